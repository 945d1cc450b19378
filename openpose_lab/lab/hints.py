"""Three hints for each check of a merge: where to look, what goes wrong there, and the shape of the remedy in words.

No hint holds code that could be pasted.
"""

from __future__ import annotations

from estimation.grouping.contract import (
    ANY_ORDER,
    FINISHED_STAY,
    KEEPS_INPUT,
    NO_PEOPLE_IN_NOTHING,
    PRINTS_NOTHING,
    RETURNS,
    SAME_AGAIN,
    Failure,
)
from openpose_lab.lab.merge_checks import COMES_BACK, LITTLE_MEMORY

HINTS: dict[str, tuple[str, str, str]] = {
    RETURNS: (
        "merge raised an error. The sentence above names the kind of error and the line of your file. If it is "
        "NotImplementedError, nothing is written yet: let merge return a copy of subset, so that each limb is one "
        "person, and check again.",
        'Run `--case "peak 0"`, or another case that fails: it shows the traceback and your prints. Usual causes: an '
        "id, which is a float, used as an index; the first or best of an empty list; a list that gets shorter while "
        "a loop goes over it; `in`, `==` or remove with NumPy rows, which compare slot by slot.",
        "Guard the line that fails. An id becomes an index only as an int. Ask whether a list holds anything before "
        "you take its first entry, maximum or stack. Go over a copy of a list that you change. Each conflict needs a "
        "branch that decides something, not one that raises.",
    ),
    "rows of the right length": (
        "Look at every place where merge can end, also with few rows or none left. What it returns must be one NumPy "
        "array, with a row for each person, in the same 20 columns as subset.",
        "Three mistakes lead here. Without a return, Python returns None. A list of rows is no array yet. And an "
        "array made of an empty list has the shape (0,), without columns: such a merge fails only where no people "
        "are left.",
        "The last line of merge returns an array made of the list of people. Reshape it to as many rows as there are "
        "(-1 for NumPy) and as many columns as subset has. Then an empty list gives the shape (0, 20), too.",
    ),
    "plain, finite numbers": (
        "Something in the answer is no ordinary number: NaN, infinity, None or text. The sentence above names its "
        "row and column. Columns 0 to 17 are ids, 18 is the score, 19 the number of parts.",
        "NaN comes from 0 / 0, from the mean of nothing, or from a cell that was never filled. Infinity is a "
        "division by 0, or the start value of a search that found nothing. A dtype of object comes from None in a "
        "row, or from rows of unlike lengths.",
        "Let each new person begin as a full row of MISSING, as floats, and then fill in ids, score and number of "
        "parts. Write -1 for a missing part, never None or NaN. Divide by the number of parts only after the people "
        "without any are gone.",
    ),
    "ids that exist, in their own slots": (
        "Take the row and the body part that the sentence above names. Was that number given in that column? Ids are "
        "names of peaks: they are copied from a row, in the same column, and never computed.",
        "Adding or averaging two rows computes new ids: 5 and -1 become 4, and 5 and 5 become 10. A loop over all 20 "
        "columns also takes the score and the number of parts for ids.",
        "To join two rows, go through the 18 slots. Where one row has MISSING, the id of the other holds. Where both "
        "have the same id, keep it. Where they differ, it is a conflict. Only after that treat the score, by a rule "
        "of its own.",
    ),
    "no empty person": (
        "A person in the answer has -1 in all 18 slots. Where can a row lose its last peak: in a conflict, or when "
        "it is joined with another row?",
        "A row that was joined into a person must leave the list; blanking it leaves a person of no parts behind. A "
        "row that gave up both peaks in a conflict is no person, either. Pruning finds both only if it comes last "
        "and the counts are fresh.",
        "Put a row on the list of people only if it has peaks left. Take people off the list when they are joined "
        "into another one, in place of emptying them. If you start with an array of blank rows, return only those "
        "that were filled.",
    ),
    NO_PEOPLE_IN_NOTHING: (
        "Here subset has no rows: its shape is (0, 20). What does your merge do before its first loop, and what does "
        "it return if no loop ever runs?",
        "A person who is there before any row was looked at is one too many: a first person of blanks that waits to "
        "be filled, for instance. And row 0 cannot be the first person if there is no row 0.",
        "Begin with an empty list of people, and let the loop over the rows be the only place that adds to it. The "
        "first row finds no person to join, so it becomes one, by the same lines as every later row that finds none.",
    ),
    COMES_BACK: (
        "A call was stopped, because it took too long. Look for a while loop with a condition that stays true, and "
        "for a list that gets longer while a for loop goes over it.",
        'A loop that runs "until nothing changes" must notice that nothing changed. It never ends if a person is '
        "compared with itself and joined, or if two people who clash are found, left as they are, and found again.",
        "At the start of each round, note that nothing has changed yet. Note a change only where two different "
        "people became one, so that there is one person fewer. Every round that counts then shortens the list, and "
        "that cannot go on for ever.",
    ),
    SAME_AGAIN: (
        "The same rows gave other people at the second call. What does your file remember from the first one? Look "
        "at names defined outside of merge, and at the default values of its arguments.",
        "Python evaluates a default value such as `people=[]` once, and all calls share that list. A global list or "
        "dictionary is shared as well. Random numbers differ from call to call, and so does an order that comes from "
        "id(), an address in memory.",
        "Create every list, dictionary and counter inside merge, in its first lines. Give helper functions what they "
        "need as arguments, and let them return their result. Where you let chance decide, let the scores decide, "
        "and then the ids.",
    ),
    KEEPS_INPUT: (
        "merge changed the array that it was given. Which line assigns to subset, or to something that was taken "
        "from it with an index, a slice or a loop?",
        "A row from `for row in subset` is a view, no copy: an assignment to one of its columns writes into subset. "
        "`+=` does so, too, and so does sort as a method. tolist(), np.array and copy() give you something of your "
        "own.",
        "Make one copy of subset at the very beginning, under its own name, and use only the copy from there on. Or "
        "collect the people in rows of your own, which begin with MISSING everywhere, and only read from subset.",
    ),
    PRINTS_NOTHING: (
        "Something in your file prints. The sentence above shows how the text begins; search your file for it, and "
        "for `print` in general. Lines outside of functions count, too.",
        "The checks, the demo and the grader call merge thousands of times, so its answer is all that they want. For "
        "finding a fault, prints are right: `--case` shows them, between the rows and the answer of one case.",
        "Delete the prints that you no longer need. Put trial calls at the end of the file under `if __name__ == "
        '"__main__":`, where they run only when you start the file yourself.',
    ),
    "keeps to itself: no files, network or programs": (
        "merge, or your file while it is loaded, tried something besides computing. The sentence above says what: it "
        "is a file to be written, the network, or a program to be started.",
        "Mostly it is left over from a search for a fault: an array that is saved, a log, a picture, a window with a "
        "plot. Some libraries write a cache or start processes as soon as they are imported.",
        "Remove the call that the sentence names, and the import that only this call needed. merge needs nothing but "
        "its rows and NumPy. To look inside, print, and run one case with `--case`.",
    ),
    LITTLE_MEMORY: (
        "A call wanted more memory than it may have. Which list grows with every round of a loop? Which array has a "
        "size that depends on an id, or on the number of rows squared?",
        "An id is a name, no position: there may be an id of 5000 among ten rows. An array with a place for every "
        "possible id, or for every pair of ids, is then nearly empty and very large. A loop without an end fills "
        "memory, too.",
        "Use a dictionary with ids as keys in place of an array with ids as positions. When two people are joined, "
        "let the new one replace both; do not append it while the old ones stay, or the list grows in every round.",
    ),
    "no peak in two people": (
        "Take the peak that the sentence above names, and find the given rows that hold it. Do they agree in every "
        "slot that both fill? Then they are one person. If not, they contradict each other, and only one may keep "
        "it.",
        "A new row may share one peak with one person and its other peak with a second person. If it joins only the "
        "first one that it finds, the second still holds the other peak. A row that loses a conflict may also keep a "
        "peak that has an owner.",
        "For each row, collect all people who share a peak with it. Take them off the list and put one person in "
        "their place, made of them and the row. If that would fill a slot twice, blank those slots of the row whose "
        "peaks are taken.",
    ),
    "people who share no peak stay apart": (
        "The two people have no peak in common. Did they become one? Then follow the first join: in which slot did "
        "it find two rows equal, and what stands there? Or is one of them missing? Then look for what drops people "
        "before they are complete.",
        "-1 says that there is no peak. Two limbs both lack most parts, and -1 == -1 is true: a plain comparison "
        "finds a match in nearly every slot, and joins all rows. If no people came back, pruning was done before "
        "joining, when all had two parts.",
        "For each of the 18 slots, ask two things: are the two ids equal, and is the id something other than "
        "MISSING? Only if both hold in at least one slot do the rows share a peak. Leave the last two columns out of "
        "the comparison.",
    ),
    "goes on until nothing changes": (
        "The last of these rows links two groups that were apart until then. How many people does your merge have "
        "before this row, and how many after it?",
        "By joining, a person gets new peaks, and may now share one with a person whom your loop has passed already. "
        "A single pass in which each row joins at most one person leaves pieces behind.",
        "Either repeat: as long as any two people share a peak, replace them by one, and look at all pairs again. Or "
        "do it per row: gather every person the row shares a peak with, and make one of all of them at once.",
    ),
    "a limb within a person adds its score, and no part": (
        "The last row links the shoulder and the ear of one person, who has both peaks already. Which branch of your "
        "merge deals with a row that brings nothing new?",
        "Such a row closes a ring. It is no conflict, since every slot keeps its one id, and it adds no person. Both "
        "of its peaks lead to the same person, so a loop over its peaks meets this person twice.",
        "When you collect the people that a row meets, list each of them once, whichever peak led there. Then join "
        "as with any other row: equal ids stay, the row's score is added, and the person remains one.",
    ),
    "peak 0 counts": (
        "The nose here has the id 0. Go through your file, and find each place that asks whether a part is there. "
        "What does each of them answer for an id of 0?",
        "In Python, 0 counts as false, and it is not greater than 0. So a bare id as a condition, `> 0`, np.any and "
        "np.nonzero all take peak 0 for a missing part. Only -1 means missing.",
        "Compare with MISSING, in each place: where you look for a shared peak, join, find a conflict, and count "
        "parts. A part is there if its id differs from MISSING. Never use an id by itself as a condition.",
    ),
    "the handout's nine rows are one person": (
        "All nine rows hang together, some of them by way of others. Below the categories, `check-merge` shows what "
        "became of each row: which one went astray, or in which row do two people meet?",
        "These rows combine what smaller cases have one by one: a nose with the id 0, rows that meet two people, and "
        'a ring that the last row closes. Try `--case "peak 0"`, `--case "goes on"` and `--case "within a person"`.',
        "Leave sorting out for a moment. In the order given, there is one person after each row, of 2, 3, 4, 5, 6, "
        '7, 8, 9 and again 9 parts. With `--case "nine rows"`, print the number of people and of their parts after '
        "each row, and see where it differs.",
    ),
    "counts that are true": (
        "Count the ids other than -1 in the row that the sentence above names, and compare with its last column. "
        "When did your merge write that column: before the last change of the person, or after it?",
        "Two limbs with a common peak have 2 + 2 parts by their columns, but three ids: adding the columns counts "
        "the shared peak twice. And a person who gives up a peak in a conflict has one part fewer.",
        "Do not keep the number up to date on the way. Compute it once, when all joins are done and before pruning: "
        "for each person, count the slots among the first 18 that are not MISSING, and store this in PARTS_NUM.",
    ),
    "a score is the sum of the rows, each once": (
        "Add up the scores of the given rows by hand. Is yours smaller, so that a row was left out, or larger? Then "
        "print the score of the person after each row: where does it grow by something other than the row's score?",
        "A sum is too small if a join keeps the score of one side only, or if rows became whole numbers on the way. "
        "It is too large if a person is added twice, as when both peaks of a row lead to one person, or inside a "
        "loop over slots.",
        "Sum scores apart from ids, once for each join: the score of the row, and that of every different person "
        "whom it is joined with. Do this outside of any loop over slots or peaks. The joined people then leave the "
        "list.",
    ),
    "any scores are such sums": (
        "The sums are right in the cases made by hand, but not for these random rows. Add them up by person: is one "
        "row left out, or counted twice? If only late digits differ, look for float32 or rounding.",
        "Here rows that join two people, and rows within one person, come at any time and several in a row. Some "
        "branch of your code adds scores by another rule than the rest; find the row that takes this branch.",
        "Give the sum one place in your code, whatever a row meets: the row's score, and those of the different "
        "people it meets, of whom there are none, one or two. With one rule for all, rings need no branch of their "
        "own.",
    ),
    "people of fewer than 4 parts are dropped": (
        "The second group has three parts, and the limit here is the default, 4. What does your merge do with its "
        "people between the last join and the return?",
        "Every person begins as a limb of two parts, so nearly all are small on the way. Only when all joins are "
        "done does the number of parts say who is too small: a person of exactly min_num_body_parts stays.",
        "Just before the return, with fresh counts, build a new list of those people who have at least "
        "min_num_body_parts parts. Do not delete from a list while a loop goes over it: that skips the next person.",
    ),
    "people with a score of less than 0.4 a part are dropped": (
        "Both groups have four parts, with scores of 1.625 and 1.375. Divide by hand: which one reaches 0.4 a part? "
        "Now look at what your merge divides, and by what.",
        "min_score is a limit for the whole score divided by the number of parts. A whole score compared with 0.4 "
        "keeps everyone. Divided by the number of rows, which is 3, the weak group has 0.46 and stays.",
        "After all joins, compute for each person the score divided by the number of parts, both from the finished "
        "row. A person with less than min_score is dropped, even one with enough parts: people must meet both "
        "limits.",
    ),
    "min_num_body_parts and min_score are heeded": (
        "This case calls merge with min_num_body_parts=1 and min_score=0. Search your file for 4 and for 0.4: does "
        "either stand anywhere but in the first line of merge?",
        "The defaults serve callers who give no limits. Others give their own, as networks of other kinds need them. "
        "A number written into the body ignores what was given. So does a default in a helper function.",
        "In the two conditions of your pruning, name the two arguments in place of numbers, and hand them on to "
        "helpers. With limits of 1 and 0, every person is returned, here one of two parts and one of three.",
    ),
    "306 rows are 34 people": (
        "These are the nine rows of the handout 34 times, with other ids each time, and shuffled. Are there too many "
        "people, which means pieces, or too few, which means strangers who were joined?",
        "With hundreds of shuffled rows, pieces of one person grow far apart and meet late. Ids go up to 3309, so "
        "they are no positions in a list. And a person's position changes when others before them are deleted.",
        "Do not remember people by their position in a list that shrinks: hold on to the person itself, or make a "
        "new list in each round. Repeat for as long as something changes, not a fixed number of times.",
    ),
    "whoever is connected is one person": (
        "Nothing contradicts anything in these rows. Draw each as a line between its two ids on paper, and circle "
        "what hangs together. Which of your people is not such a circle?",
        "Too many people: a chain of rows was not followed to its end, or peak 0 was taken for none. Too few: rows "
        "were joined over -1. Remember that the limits are 1 and 0 here, so a single limb is a person, too.",
        "Two rows are of the same person if a chain of rows leads from one to the other, with a common peak at each "
        "link. Before you return, test all pairs of your people while you look for the fault: no two may share a "
        "peak.",
    ),
    "306 rows in 2 seconds": (
        "The answer comes too late. How often does your merge compare the same two rows? Time it with half the rows: "
        "does it take a half, a quarter or an eighth?",
        "Starting again with all pairs after each change takes about n * n * n comparisons, 28 million for 306 rows, "
        "each with 18 slots. Twice the rows then take eight times as long.",
        "Place each row once. Keep a dictionary from each peak to the person who holds it: two look-ups find all "
        "whom a row meets, without a search. After a join, only the entries of the peaks that changed hands are "
        "written again.",
    ),
    "the handout's rows in any order": (
        "Compare the two answers above: is a person in pieces, or does only a score differ? Then read the rows in "
        "the order given there, and find the one that links two pieces.",
        "In the handout's own order, every row shares a peak with an earlier one, so one person grows row by row. In "
        "another order, several pieces grow first, and a later row must join two of them.",
        "Let a row meet no person, one, or two. With two, one person replaces both, with all ids and the three "
        "scores. Go through all people for each row, and do not stop at the first one that fits.",
    ),
    "conflicts are settled alike in any order": (
        "Which row came first decides here who keeps the peak, but the position in subset says nothing about the "
        "photo. What else in a row says how sure the network is of the limb?",
        "In your merge a row wins by its place: either the first keeps what it has, or the last overwrites it. The "
        "same code is right once the rows come by score, if the strongest has the place that wins.",
        "Before the first loop, put a copy of the rows in an order of your own: sorted by the column SCORE, the "
        "highest first, so that the first to take a peak keeps it. Go through this copy everywhere, and use the "
        "order of subset nowhere.",
    ),
    "rows of equal score in any order": (
        "The rows that contradict each other have the same score, 1.6. What does your sort do with equal scores? "
        "Look for something else in which these rows differ, other than their position.",
        "Python's sort is stable: rows with equal keys stay in the order in which they came. So the position decides "
        "again. Any rule will do that looks at the rows themselves, such as their ids.",
        "Give the sort a key of two entries: first the score, so that the highest comes first, then the ids of the "
        "row. Python compares the second entry only if the first ones are equal. NumPy's lexsort does the same for "
        "arrays.",
    ),
    ANY_ORDER: (
        "No case made by hand depends on the order, but these rows do. Compare the two answers: which peak went to "
        "another person? List the rows that want it, by score.",
        "Behind a right sort, position may still decide: by the first person in a list who fits, by a deletion "
        "during a loop, or by comparing sums of scores that have grown by then to different values.",
        "Sort once at the beginning, by score and then ids, and settle each row for good when its turn comes. If it "
        "meets several people, treat them as a group, or choose among them by score and ids, never by place in the "
        "list.",
    ),
    "an elbow with two wrists keeps the stronger one": (
        "Two rows give left elbow 18 a wrist: 22 with a score of 1.6, 24 with 1.5. A person has one left wrist. "
        "Which one did yours get, or what became of the person?",
        "A shared peak is not enough for a join. If row and person hold different ids in some slot, they contradict "
        "each other. Then the row with the lower score must give way, and must not overwrite the wrist that is "
        "there.",
        "With the best row first, the later row is always the weaker one. Before joining, look for a slot that both "
        "fill with different ids. If there is one, do not join: the row gives up elbow 18, which is taken, and wrist "
        "24 is left alone.",
    ),
    "the stronger wins, not the larger or the smaller id": (
        "Wrist 24 is in the stronger row here, and 22 in the weaker one. Which did your person get? Look for the "
        "places where ids are compared by size, or sorted.",
        "An id is a name, and its size means nothing. np.maximum takes the larger id where two rows differ, and a "
        "sort by ids lets the smaller one come first. Only the score says which limb to trust.",
        "Look for a conflict before you combine two rows, so that the maximum of two ids is only ever taken where "
        "one is MISSING or both are equal. In a sort key, the score comes first; ids only break ties.",
    ),
    "a limb between two people who clash joins nobody": (
        "The last row links an elbow of one person with a wrist of another, and both have a neck of their own. Did "
        "the two become one, or did one of them lose a part?",
        "A person has one neck, so these two can never be one. Code that gathers all connected rows first finds that "
        "out too late. Decide row by row, the best first, and compare the slots of the two people with each other, "
        "not only those of the row with each.",
        "Take the row and all people whom it meets as one group, and look at all 18 slots. If any slot holds two "
        "different ids in the group, join nobody. The people stay as they were; the row gives up both peaks, and "
        "nothing of it is left.",
    ),
    "no score out of nothing": (
        "Add up the scores of all people, and of all given rows. The people have more, so some row was counted for "
        "two of them, or twice for one. Which row was in a conflict here?",
        "In a conflict, a row's score is easily given away twice: to the person who keeps the peak, and again to "
        "what is left of the row. A person who was joined but stays on the list doubles their score, too.",
        "Decide what becomes of the loser's score: it goes to what is left of the row, whole or in part, or it is "
        "lost. The winner gets nothing. If you take shares by the peaks kept, they add up to no more than the row "
        "had.",
    ),
    "who loses a conflict keeps their other parts": (
        "Right shoulder 2 stays with neck 1. Even so, neck 31 has a nose, a left shoulder and an elbow. Is this "
        "second person in your answer, with all four parts?",
        "One row is wrong here, the one from neck 31 to shoulder 2, with a score of 0.8. If your merge drops the "
        "person of neck 31 for it, or makes one of the two people, parts are lost that no other person claims.",
        "Settle a conflict in the row alone. Set those of its slots to MISSING whose peaks already belong to a "
        "person, and change no person. If peaks are left in the row, it becomes a person, whom later rows can find "
        "and extend.",
    ),
    "three people who want one peak come to terms": (
        "Nose 30 is wanted by necks 1, 11 and 21, in rows of 0.9, 0.8 and 0.7. All three people are expected. Which "
        "one is missing in your answer, or has the nose in place of neck 1?",
        "After the first of these rows, nose and neck 1 are one person. Each later row meets this person and another "
        "one, and both have a neck. What your merge does to the two of them adds up over two rows.",
        "After the nine strong rows there are three people, and there must be three after each of the weak ones. The "
        "first gives its nose to neck 1. The others meet two people who clash, so they change nothing. Print the "
        "number of people to see.",
    ),
    "any rows make people who keep the contract": (
        "Many random rows contradict each other here, and the answer breaks a rule of the contract. The sentence "
        "says which; take the peak or the row that it names, and list all given rows about it.",
        "A row may contradict the person at one end while its other peak is free, or belongs to a third person. Code "
        "that looks at one end only leaves the other peak in two people, or a count that is no longer true.",
        "After a conflict, look at both ends of the row again: every peak it still holds must be free. While you "
        "look for the fault, let merge end with a test that no id occurs twice in a column, and raise an error that "
        "names the row.",
    ),
    FINISHED_STAY: (
        "Your own answer was the input this time, so nothing is left to merge. Compare it with what came of it, both "
        "shown above. What does your code take for granted about a row that holds for limbs only?",
        "A row of the answer may have one peak, or up to 18, not two. Code that reads exactly two ids loses the "
        "others. And a leftover of one peak that is kept the first time, but dropped as an input, makes a "
        "difference.",
        "Read the peaks of a row by a loop over all 18 slots, however many are filled. Have one rule for a row of "
        "one peak, whether it came so or lost its other peak in a conflict: it is always a person, or never.",
    ),
}
"""The hints by the checks' names, in the order in which they are given."""


UNWRITTEN = (
    "Nothing is written in merge yet. Begin with the smallest answer that can pass a check: each limb is a person of "
    "its own. Which array would that be?",
    "subset already has a row for each limb, in the columns of the answer. If each limb is one person, the answer has "
    "the same rows. But subset itself must stay as it is, and NumPy can copy an array.",
    "Let merge return a copy of subset, and check again: about half of the checks pass. Then go on step by step. "
    "`check-merge --list` shows the steps, and which one is next.",
)
"""Hints for a merge that is left as the handout has it."""


def hints_for(check: str, failure: Failure) -> tuple[str, str, str]:
    """The three hints for a check that fails."""
    return UNWRITTEN if check == RETURNS and "NotImplementedError" in failure.sentence else HINTS[check]


def find_checks(name: str) -> list[str]:
    """Find the checks that a name means: the one of this name, or all that have it as a part of their names."""
    if name in HINTS:
        return [name]
    return [check for check in HINTS if name.strip() and name.strip().lower() in check.lower()]
