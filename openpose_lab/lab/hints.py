"""Three hints for each check of a merge: where to look, what goes wrong there, and how to correct it, in words.

No hint holds code that a student could paste.
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
        "merge raised an error. The sentence above names it and, if known, its line. NotImplementedError means that "
        "nothing is written yet: let merge return a copy of subset, so that each limb is one person, and check again. "
        "An unexpected keyword argument means that merge lacks the argument min_num_body_parts or min_score.",
        'Run `--case "peak 0"`, or another case that fails: it shows the traceback and your prints. Usual causes: '
        "an id is a float and cannot be an index; the first entry of an empty list; a list that a loop shortens "
        "while it goes over it; `in`, `==` or remove with NumPy rows, which compare slot by slot.",
        "Guard the line that fails. Convert an id to int before you use it as an index. Test that a list is not "
        "empty before you take its first entry or its maximum. Loop over a copy of a list that you change. Write "
        "a branch for each kind of conflict that settles it without an error.",
    ),
    "rows of the right length": (
        "Look at each place where merge can return, also with few rows or none. It must return one NumPy array "
        "with one row per person, in the same 20 columns as subset.",
        "Three mistakes lead here. Without a return, Python returns None. A list of rows is not an array. An "
        "array of an empty list has the shape (0,), without columns; this mistake shows only if no people are "
        "left.",
        "The last line of merge returns an array of the list of people. Reshape this array to one row per person "
        "(write -1, and NumPy counts them) and to as many columns as subset has. An empty list then gives the "
        "shape (0, 20).",
    ),
    "plain, finite numbers": (
        "The answer holds something that is not an ordinary number: NaN, infinity, None or text. The sentence "
        "above names its row and column. Columns 0 to 17 are ids, column 18 is the score, and column 19 is the "
        "number of parts.",
        "NaN comes from 0 / 0, from the mean of an empty list, or from a cell that was never filled. Infinity "
        "comes from a division by 0, or from a search that starts at infinity and finds nothing. None in a row, "
        "or rows of different lengths, make an array of dtype object.",
        "Start each new person as a full row of MISSING, as floats. Then fill in ids, score and number of parts. "
        "Write -1 for a missing part, never None or NaN. Remove the people without parts before you divide by the "
        "number of parts.",
    ),
    "ids that exist, in their own slots": (
        "Take the row and the body part that the sentence above names. Did a given row have this number in this "
        "column? An id is the name of a peak: copy it from a row, in the same column, and never compute with it.",
        "Adding or averaging two rows computes new ids: 5 and -1 become 4, and 5 and 5 become 10. A loop over all "
        "20 columns takes the score and the number of parts for ids.",
        "To join two rows, go through the 18 slots. If one row has MISSING, take the id of the other row. If both "
        "have the same id, keep it. If the ids differ, the rows conflict. Compute the score after this loop, by a "
        "rule of its own.",
    ),
    "no empty person": (
        "A person in the answer has -1 in all 18 slots. Where can a row lose its last peak: in a conflict, or "
        "when another row absorbs it?",
        "A row that was joined into a person must leave the list of people. If you only blank it, an empty person "
        "stays. A row that gave up both peaks in a conflict is not a person either. Pruning removes both only if "
        "it runs last, with correct counts.",
        "Put a row on the list of people only if it has peaks left. When a person is joined into another one, "
        "remove it from the list instead of blanking it. If you start with an array of blank rows, return only "
        "the rows that you filled.",
    ),
    NO_PEOPLE_IN_NOTHING: (
        "Here subset has no rows: its shape is (0, 20). What does your merge do before its first loop? What does "
        "it return if no loop ever runs?",
        "A merge that creates a first person before it looks at a row returns one person too many. A merge that "
        "takes row 0 as its first person fails here, because row 0 does not exist.",
        "Begin with an empty list of people, and add to it only inside the loop over the rows. The first row "
        "finds no person to join, so it becomes a person, by the same lines as each later row that finds no "
        "person.",
    ),
    COMES_BACK: (
        "A call took too long and was stopped. Look for a while loop with a condition that stays true, and for a "
        "list that grows while a for loop goes over it.",
        'A loop that runs "until nothing changes" must notice that nothing changed. It never ends if it compares '
        "a person with itself and joins the two. It also never ends if it finds two people in conflict, leaves "
        "them as they are, and finds them again.",
        'At the start of each round, set a variable to "nothing has changed". Set it to "changed" only where two '
        "different people become one. Each such round makes the list of people shorter, so the loop must end.",
    ),
    SAME_AGAIN: (
        "The same rows gave other people in the second call. What does your file remember from the first call? "
        "Look at names that are defined outside merge, and at the default values of its arguments.",
        "Python evaluates a default value such as `people=[]` once, and all calls share this list. All calls also "
        "share a global list or dictionary. Random numbers differ from call to call. An order by id() differs "
        "too, because id() is an address in memory.",
        "Create each list, dictionary and counter inside merge, in its first lines. Pass helper functions what "
        "they need as arguments, and let them return their results. Replace each random choice by a choice by "
        "score, and then by the ids.",
    ),
    KEEPS_INPUT: (
        "merge changed the array that it was given. Which line assigns to subset, or to an index, a slice or a "
        "loop variable of subset?",
        "In `for row in subset`, row is a view and not a copy: an assignment to one of its columns writes into "
        "subset. `+=` and the method sort also write into subset. tolist(), np.array and copy() give you data of "
        "your own.",
        "Copy subset once, in the first line of merge, under a new name, and use only this copy from there on. Or "
        "collect the people in new rows that begin with MISSING everywhere, and only read from subset.",
    ),
    PRINTS_NOTHING: (
        "Your file prints something. The sentence above shows the first words: search your file for them, and for "
        "`print`. Lines outside functions count, too.",
        "The checks, the demo and the grader call merge thousands of times, and they use only its answer. Prints "
        "are good for finding a mistake: `--case` shows them for one case, between the rows and the answer.",
        "Delete the prints that you no longer need. Put test calls at the end of the file under `if __name__ == "
        '"__main__":`. They then run only when you start the file yourself.',
    ),
    "uses no files, network or programs": (
        "merge, or your file while it was loaded, tried to do more than compute. The sentence above says what: "
        "write a file, use the network, or start a program.",
        "Usually this is left over from a search for a mistake: an array that is saved, a log, a picture, a "
        "window with a plot. Some libraries write a cache or start processes when they are imported.",
        "Remove the call that the sentence names, and the import that only this call needed. merge needs only its "
        "rows and NumPy. To look inside merge, print, and run one case with `--case`.",
    ),
    LITTLE_MEMORY: (
        "A call needed more memory than its limit. Which list grows in each round of a loop? Which array has a "
        "size that depends on an id, or on the square of the number of rows?",
        "An id is a name and not a position: ten rows may hold the id 5000. An array with a place for each "
        "possible id, or for each pair of ids, is nearly empty and very large. An endless loop that appends to a "
        "list also fills the memory.",
        "Use a dictionary with ids as keys instead of an array with ids as positions. When you join two people, "
        "replace both by the new one. If the old ones stay on the list, it grows in each round.",
    ),
    "no peak in two people": (
        "Take the peak that the sentence above names, and find the given rows that hold it. Do they agree in each "
        "slot that both fill? Then they are one person. If not, they conflict, and only one of them may keep the "
        "peak.",
        "A new row may share one peak with one person and its other peak with a second person. If it joins only "
        "the first person that it finds, the second one still holds the other peak. A row that loses a conflict "
        "may also keep a peak that belongs to another person.",
        "For each row, collect all people who share a peak with it. Remove them from the list, and add one person "
        "made of them and the row. If this person would fill a slot twice, do not join: set the slots of the row "
        "to MISSING if their peaks already belong to a person.",
    ),
    "people who share no peak stay apart": (
        "The two people have no peak in common. Did your merge join them? Then follow the first join: in which "
        "slot did it find two rows equal, and what is in this slot? Or is one of them missing? Then look for code "
        "that drops people before they are complete.",
        "-1 means that there is no peak. Two limbs both lack most parts, and -1 == -1 is true: a plain comparison "
        "finds a match in nearly every slot and joins all rows. If no people are returned, your merge prunes "
        "before it joins, when each person has two parts.",
        "For each of the 18 slots, ask two questions: are the two ids equal, and is the id different from "
        "MISSING? The rows share a peak only if both are true in at least one slot. Leave the last two columns "
        "out of the comparison.",
    ),
    "goes on until nothing changes": (
        "The last of these rows links two groups of rows that share no peak otherwise. How many people does your "
        "merge have before this row, and how many after it?",
        "A join gives a person new peaks. The person may now share a peak with another person that your loop has "
        "already passed. A single pass in which each row joins at most one person therefore leaves people in "
        "pieces.",
        "Either repeat: as long as two people share a peak, replace them by one, and compare all pairs again. Or "
        "work row by row: collect all people who share a peak with the row, and make one person of them at once.",
    ),
    "a limb within a person adds its score, and no part": (
        "The last row links the shoulder and the ear of one person, who already has both peaks. Which branch of "
        "your merge handles a row that brings no new peak?",
        "This row closes a ring. It causes no conflict, because each slot keeps its one id, and it adds no "
        "person. Both of its peaks belong to the same person, so a loop over its peaks meets this person twice.",
        "When you collect the people that a row meets, list each person once, even if both peaks lead to the same "
        "one. Then join as with any other row: equal ids stay, the score of the row is added, and the person "
        "remains one.",
    ),
    "peak 0 counts": (
        "The nose has the id 0 here. Find each place in your file that asks whether a part is there. What does it "
        "answer for the id 0?",
        "In Python, 0 counts as false, and it is not greater than 0. A bare id as a condition, `> 0`, np.any and "
        "np.nonzero therefore all treat peak 0 as a missing part. Only -1 means missing.",
        "Compare with MISSING in each place: where you look for a shared peak, join rows, find a conflict, and "
        "count parts. A part is there if its id differs from MISSING. Never use an id by itself as a condition.",
    ),
    "the handout's nine rows are one person": (
        "All nine rows are connected, some of them through others. Below the categories, `check-merge` shows the "
        "person of each row. Which row is in no person, or which row do two people share?",
        "These rows combine three smaller cases: a nose with the id 0, rows that meet two people, and a ring that "
        'the last row closes. Try `--case "peak 0"`, `--case "goes on"` and `--case "within a person"`.',
        "Do not sort the rows for now. In the given order, there is one person after each row, with 2, 3, 4, 5, "
        '6, 7, 8, 9 and again 9 parts. Use `--case "nine rows"`, print the number of people and of their parts '
        "after each row, and find the first difference.",
    ),
    "counts that are true": (
        "Take the row that the sentence above names. Count its ids other than -1, and compare with its last "
        "column. When did your merge write this column: before the last change of the person, or after it?",
        "Two limbs with a common peak have 2 + 2 parts in their last columns, but only three ids: adding the "
        "columns counts the shared peak twice. A person who gives up a peak in a conflict has one part fewer.",
        "Compute the number of parts once, after all joins and before pruning: for each person, count the slots "
        "among the first 18 that differ from MISSING. Store the result in PARTS_NUM.",
    ),
    "a score is the sum of the rows, each once": (
        "Add up the scores of the given rows by hand. If your score is smaller, a row was left out. If it is "
        "larger, print the score of the person after each row: where does it grow by more than the row's score?",
        "A sum is too small if a join keeps the score of only one side, or if scores were rounded to whole "
        "numbers. It is too large if a person is added twice: in a loop over slots, or when both peaks of a row "
        "belong to one person.",
        "Keep the sum of scores apart from the ids. For each join, add once: the score of the row, and the score "
        "of each different person that it joins. Do this outside any loop over slots or peaks. Then remove the "
        "joined people from the list.",
    ),
    "scores add up with random rows, too": (
        "The sums are right in the cases made by hand, but not for these random rows. Add up the scores of each "
        "person: was one row left out, or counted twice? If only the last digits differ, look for float32 or "
        "rounding.",
        "These rows join two people, or close rings, at any time and several times in a row. One branch of your "
        "code adds scores by another rule than the rest. Find the row that takes this branch.",
        "Add scores in one place of your code, for all rows: the score of the row, plus the scores of the "
        "different people that it meets, who may be none, one or two. Rings then need no branch of their own.",
    ),
    "people of fewer than 4 parts are dropped": (
        "The second group has three parts, and the default limit is 4. What does your merge do with its people "
        "between the last join and the return?",
        "Each person begins as a limb with two parts, so nearly all people are small before the joins are done. "
        "Only then does the number of parts say who is too small. A person with exactly min_num_body_parts parts "
        "stays.",
        "Just before the return, count the parts again. Then build a new list of the people who have at least "
        "min_num_body_parts parts. Do not delete from a list while a loop goes over it: the loop then skips the "
        "next person.",
    ),
    "people with a score of less than 0.4 per part are dropped": (
        "Both groups have four parts. Their scores are 1.625 and 1.375. Divide by hand: which one reaches 0.4 per "
        "part? Then look at what your merge divides, and by what.",
        "min_score limits the score divided by the number of parts. If you compare the undivided score with 0.4, "
        "all people stay. If you divide by the number of rows, which is 3, the weak group has 0.46 and stays.",
        "After all joins, divide the score of each person by the number of parts, both from the finished row. "
        "Drop a person with a result below min_score, even if the person has enough parts: people must meet both "
        "limits.",
    ),
    "min_num_body_parts and min_score are used": (
        "This case calls merge with min_num_body_parts=1 and min_score=0. Search your file for 4 and for 0.4: "
        "does one of them occur outside the first line of merge?",
        "The defaults apply only if the caller gives no limits. Other networks need other limits, so callers may "
        "give their own. A number in the body of merge ignores them. A default in a helper function ignores them too.",
        "Use the two arguments instead of numbers in the two conditions of your pruning, and pass them on to "
        "helper functions. With limits of 1 and 0, each person is returned: here one with two parts and one with "
        "three.",
    ),
    "306 rows are 34 people": (
        "These are the nine rows of the handout 34 times, with different ids each time, and shuffled. With too "
        "many people, some are in pieces. With too few, strangers were joined. Which do you have?",
        "Among hundreds of shuffled rows, pieces of one person grow far apart and meet late. Ids go up to 3309, "
        "so they cannot be positions in a list. The position of a person changes when you delete others before "
        "it.",
        "Do not remember people by their position in a list that gets shorter: keep the person itself, or make a "
        "new list in each round. Repeat until nothing changes, not a fixed number of times.",
    ),
    "connected rows are one person": (
        "No rows conflict here. Draw each row on paper as a line between its two ids, and circle what is "
        "connected. Which of your people is not such a circle?",
        "Too many people: your merge did not follow a chain of rows to its end, or it took peak 0 for a missing "
        "part. Too few: it joined rows over -1. The limits are 1 and 0 here, so a single limb is a person, too.",
        "Two rows belong to the same person if a chain of rows leads from one to the other, with a shared peak at "
        "each link. To find the mistake, test all pairs of your people before you return: no two may share a "
        "peak.",
    ),
    "306 rows in 2 seconds": (
        "The answer comes too late. How often does your merge compare the same two rows? Measure the time with "
        "half of the rows: is it a half, a quarter or an eighth?",
        "If you compare all pairs again after each change, you need about n * n * n comparisons: 28 million for "
        "306 rows, each with 18 slots. Twice the rows then take eight times as long.",
        "Place each row once. Keep a dictionary from each peak to the person who holds it. Two look-ups then find "
        "all people that a row meets, without a search. After a join, update only the entries of the peaks that "
        "changed their person.",
    ),
    "the handout's rows in any order": (
        "Compare the two answers above: is a person in pieces, or does only a score differ? Then read the rows in "
        "the given order, and find the row that links two pieces.",
        "In the handout's own order, each row shares a peak with an earlier one, so one person grows row by row. "
        "In another order, several pieces grow first, and a later row must join two of them.",
        "Handle a row that meets no person, one person, or two. With two, replace both by one person, with all "
        "ids and the sum of the three scores. Go through all people for each row, and do not stop at the first "
        "match.",
    ),
    "conflicts end the same in any order": (
        "Here the row that came first decides who keeps the peak. But the position of a row in subset says "
        "nothing about the photo. Which column says how sure the network is of a limb?",
        "In your merge, the position of a row decides: either the first row keeps the peak, or the last one "
        "overwrites it. The same code is right if you sort the rows by score first, so that the strongest row is "
        "the one that wins.",
        "Before the first loop, make a copy of the rows, sorted by the column SCORE, highest first. Let the first "
        "row that takes a peak keep it. Use this copy everywhere, and never the order of subset.",
    ),
    "rows of equal score in any order": (
        "The rows that contradict each other have the same score, 1.6. What does your sort do with equal scores? "
        "Look for another difference between these rows, except their position.",
        "Python's sort is stable: rows with equal keys keep the order in which they came, so their position "
        "decides again. Use a rule that looks at the rows themselves, for example at their ids.",
        "Give the sort a key of two entries: first the score, so that the highest comes first, then the ids of "
        "the row. Python compares the second entry only if the first ones are equal. NumPy's lexsort does the "
        "same for arrays.",
    ),
    ANY_ORDER: (
        "The cases made by hand pass in any order, but these random rows do not. Compare the two answers: which "
        "peak went to another person? List the rows that hold this peak, by score.",
        "Even after a correct sort, position may still decide: you take the first person in a list that fits, you "
        "delete during a loop, or you compare sums of scores that are still growing.",
        "Sort once at the beginning, by score and then by ids. Settle each row for good when its turn comes. If "
        "it meets several people, treat them as a group, or choose among them by score and ids. Never choose by "
        "position in the list.",
    ),
    "an elbow with two wrists keeps the stronger one": (
        "Two rows give left elbow 18 a wrist: wrist 22 with a score of 1.6, and wrist 24 with 1.5. A person has "
        "one left wrist. Which one does your person have? Or is the person missing?",
        "A shared peak is not enough for a join. If row and person hold different ids in a slot, they conflict. "
        "Then the row with the lower score must give way, and must not overwrite the wrist of the person.",
        "If the best row comes first, the later row is always the weaker one. Before a join, look for a slot that "
        "both fill with different ids. If you find one, do not join: the row gives up elbow 18, which belongs to "
        "the person, and wrist 24 stays unused.",
    ),
    "the stronger row wins, whatever the ids are": (
        "Here wrist 24 is in the stronger row, and wrist 22 in the weaker one. Which one does your person have? "
        "Look for places where your code compares ids by size, or sorts them.",
        "An id is a name, and its size means nothing. np.maximum takes the larger of two ids, and a sort by ids "
        "puts the smaller one first. Only the score says which limb is more likely.",
        "Look for a conflict before you combine two rows. Take the maximum of two ids only if one is MISSING or "
        "both are equal. In a sort key, put the score first, and use the ids only to break ties.",
    ),
    "a limb does not join two people in conflict": (
        "The last row links an elbow of one person with a wrist of another, and each of them has a neck. Did your "
        "merge make one person of the two? Or did one of them lose a part?",
        "A person has one neck, so these two people can never be one. Code that first collects all connected rows "
        "finds this out too late. Decide row by row, best first. Compare the slots of the two people with each "
        "other, and not only with those of the row.",
        "Take the row and all people that it meets as one group, and look at all 18 slots. If a slot holds two "
        "different ids in the group, join nothing. The people stay as they were. The row gives up both peaks, so "
        "nothing of it remains.",
    ),
    "the people have no more score than the rows": (
        "Add up the scores of all people, and the scores of all given rows. The people have more. So one row was "
        "counted for two people, or twice for one. Which row was in a conflict here?",
        "In a conflict, a row's score is easily given away twice: to the person who keeps the peak, and to the "
        "rest of the row. The score of a joined person also counts twice if this person stays on the list.",
        "Decide where the score of the losing row goes: to the rest of the row, as a whole or in part, or "
        "nowhere. The person who keeps the peak gets none of it. If you divide a score among peaks, the shares "
        "must not add up to more than the row's score.",
    ),
    "a person who loses a peak keeps their other parts": (
        "Right shoulder 2 stays with neck 1. Neck 31 still has a nose, a left shoulder and an elbow. Does your "
        "answer have this second person, with all four parts?",
        "One row is wrong here: the one from neck 31 to shoulder 2, with a score of 0.8. If your merge drops the "
        "person of neck 31, or joins the two people, it loses parts that no other person claims.",
        "Change only the row in a conflict, and no person. Set a slot of the row to MISSING if its peak already "
        "belongs to a person. If the row has peaks left, it becomes a person of its own, which later rows can "
        "find and extend.",
    ),
    "a peak that three people claim goes to one": (
        "Necks 1, 11 and 21 claim nose 30, in rows with scores of 0.9, 0.8 and 0.7. The answer must have all "
        "three people. Which one is missing, or who has the nose instead of neck 1?",
        "After the first of these rows, nose 30 belongs to the person of neck 1. Each later row meets this person "
        "and another one, and both have a neck. If each row takes something from the two, they lose it twice.",
        "After the nine strong rows there are three people, and there must be three after each weak row. The "
        "first weak row adds its nose to neck 1. The others meet two people in conflict, so they change nothing. "
        "Print the number of people after each row.",
    ),
    "answers to random rows keep the contract": (
        "Many of these random rows conflict, and the answer breaks a rule of the contract. The sentence above "
        "says which one. Take the peak or the row that it names, and list all given rows with this peak.",
        "A row may conflict with the person at one end, while its other peak is free or belongs to a third "
        "person. Code that looks only at one end leaves the other peak in two people, or leaves a wrong count.",
        "After a conflict, look at both ends of the row again: each peak that it still holds must be free. To "
        "find the mistake, test at the end of merge that no id occurs twice in a column, and raise an error that "
        "names the row.",
    ),
    FINISHED_STAY: (
        "Here the input was your own answer, so nothing is left to merge. Compare the two answers shown above. "
        "What does your code assume about a row that is true only for limbs?",
        "A row of the answer may have one peak, or up to 18, not always two. Code that reads exactly two ids "
        "loses the others. The answers also differ if your merge keeps a rest of one peak the first time, but "
        "drops it as an input.",
        "Read the peaks of a row in a loop over all 18 slots, for any number of filled slots. Use one rule for a "
        "row with one peak, whether it was given or lost its other peak in a conflict: it is always a person, or "
        "never.",
    ),
}
"""The hints by check name, in the order in which they are given."""


UNWRITTEN = (
    "merge is still empty. Begin with the smallest answer that can pass a check: each limb is a person of its "
    "own. Which array is that?",
    "subset already has one row per limb, in the columns of the answer. If each limb is one person, the answer "
    "has the same rows. But merge must not change subset, and NumPy can copy an array.",
    "Let merge return a copy of subset, and check again: about half of the checks pass. Then go on step by step. "
    "`check-merge --list` shows the steps, and which one is next.",
)
"""Hints for a merge that is as the handout gives it."""


def hints_for(check: str, failure: Failure) -> tuple[str, str, str]:
    """Return the three hints for a check that fails."""
    return UNWRITTEN if check == RETURNS and "NotImplementedError" in failure.sentence else HINTS[check]


def find_checks(name: str) -> list[str]:
    """Find the checks that a name means: the check with this name, or all checks with this text in their names."""
    if name in HINTS:
        return [name]
    return [check for check in HINTS if name.strip() and name.strip().lower() in check.lower()]
