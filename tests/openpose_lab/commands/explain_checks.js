// Clicks and keys on the page of explain, as a person makes them. Each check leaves true, or what is wrong.
// The page is in a frame; what was found goes to the page around it.
"use strict";

(async () => {
  const found = {};
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const key = (name, target = document.body, more = {}) =>
    target.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }));
  const check = async (name, work) => {
    try {
      const problem = await work();
      found[name] = problem === undefined ? true : problem;
    } catch (error) {
      found[name] = String(error);
    }
  };
  const equal = (value, expected, what = "value") => {
    if (value !== expected)
      throw new Error(`${what} is ${JSON.stringify(value)} instead of ${JSON.stringify(expected)}`);
  };
  const panel = all(".panel")[0];
  const over = panel.querySelector(".over");
  const inLayer = (name, tag) => over.querySelectorAll(`[data-layer="${name}"] ${tag}`).length;
  const last = Math.max(...data.groupings.map((grouping) => grouping.frames.length));
  const at = (step) => equal(document.body.dataset.step, String(step), "step");
  const pressed = (name) => $(`[data-toggle="${name}"]`).getAttribute("aria-pressed");
  const choose = (id, value) => {
    $(`#${id}`).value = value;
    $(`#${id}`).dispatchEvent(new Event("change"));
  };

  await check("begins with the answer", () => {
    at(last);
    equal($("#counter").textContent, "answer");
    equal(panel.querySelector(".sentence").textContent, data.groupings[0].frames.at(-1).note);
    equal(panel.querySelectorAll(".people li").length, data.groupings[0].people.length, "people");
  });
  await check("steps with keys", () => {
    key("Home");
    at(0);
    equal($("#counter").textContent, "before");
    equal(panel.querySelectorAll(".people li").length, 0, "people");
    equal(panel.querySelectorAll("[aria-current]").length, 0, "current rows");
    key("ArrowLeft");
    at(0);
    key("ArrowRight");
    at(1);
    equal(panel.querySelector(".sentence").textContent, data.groupings[0].frames[0].note);
    equal(panel.querySelector("tr[aria-current] button").textContent, "1");
    equal(inLayer("current", "line"), 2, "lines of the row");
    key("ArrowRight", document.body, { ctrlKey: true });
    at(1);
    key("End");
    at(last);
  });
  await check("steps with clicks", () => {
    $('[data-go="first"]').click();
    at(0);
    $('[data-go="next"]').click();
    $('[data-go="next"]').click();
    at(2);
    $('[data-go="back"]').click();
    at(1);
    $("#slider").value = 3;
    $("#slider").dispatchEvent(new Event("input"));
    at(3);
    panel.querySelectorAll("tbody tr")[4].click();
    at(5);
    $('[data-go="last"]').click();
    at(last);
  });
  await check("people after each step", () => {
    const people = new Map();
    data.groupings[0].frames.forEach((frame, k) => {
      frame.gone.forEach((number) => people.delete(String(number)));
      Object.entries(frame.people).forEach(([number, peaks]) => people.set(number, peaks));
      if (k % 5) return;
      panel.querySelectorAll("tbody tr")[k].click();
      equal(over.querySelectorAll("[data-person]").length, people.size, `people after step ${k + 1}`);
      equal(panel.querySelectorAll(".people li").length, people.size, `people listed after step ${k + 1}`);
    });
  });
  await check("conflicts are marked", () => {
    const conflicts = data.groupings[0].frames.filter((frame) => frame.kind === "conflict").length;
    equal(panel.querySelectorAll("tr.conflict").length, conflicts, "conflicts");
    if (!conflicts) throw new Error("there is no conflict to look at");
    panel.querySelector("tr.conflict").click();
    if (!panel.querySelector(".sentence").textContent.startsWith("Conflict: ")) throw new Error("no sentence");
  });
  await check("the film plays and pauses", async () => {
    key("Home");
    key(" ");
    equal($("#play").getAttribute("aria-pressed"), "true", "pressed");
    await wait(2000);
    const step = Number(document.body.dataset.step);
    if (step < 1 || step > 3) throw new Error(`at step ${step} after two seconds`);
    key(" ");
    equal($("#play").getAttribute("aria-pressed"), "false", "pressed");
    await wait(1700);
    at(step);
    key("End");
    $("#play").click();
    at(0);
    $("#play").click();
  });
  await check("layers with clicks and keys", () => {
    key("End");
    ["photo", "heat", "paf", "candidates", "peaks", "people"].forEach((name, k) => {
      const before = pressed(name);
      $(`[data-toggle="${name}"]`).click();
      if (pressed(name) === before) throw new Error(`a click leaves ${name} alone`);
      key(String(k + 1));
      equal(pressed(name), before, name);
    });
    equal(panel.querySelector(".photo").classList.contains("off"), false, "photo off");
    key("1");
    equal(panel.querySelector(".photo").classList.contains("off"), true, "photo off");
    key("1");
  });
  await check("heatmaps", () => {
    const canvas = panel.querySelector(".heat");
    equal(canvas.hidden, true, "hidden");
    key("2");
    equal(canvas.hidden, false, "hidden");
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    const pixels = () => {
      context.clearRect(0, 0, copy.width, copy.height);
      context.drawImage(canvas, 0, 0);
      return context.getImageData(0, 0, copy.width, copy.height).data.join();
    };
    const seen = new Set([pixels()]);
    key("p");
    equal($("#part").value, "0");
    seen.add(pixels());
    choose("part", "3");
    seen.add(pixels());
    equal(seen.size, 3, "different heatmaps");
    equal(inLayer("peaks", "circle"), data.peaks.part.filter((part) => part === 3).length, "peaks of the part");
    choose("part", "all");
    equal(inLayer("peaks", "circle"), data.peaks.part.length, "peaks");
    key("2");
  });
  await check("PAFs", () => {
    equal(inLayer("paf", "path"), 0, "paths");
    key("3");
    const every = over.querySelector('[data-layer="paf"] path').getAttribute("d");
    key("l");
    if (over.querySelector('[data-layer="paf"] path').getAttribute("d") === every)
      throw new Error("all limbs look like one");
    choose("limb", "all");
    key("3");
    equal(inLayer("paf", "path"), 0, "paths");
  });
  await check("every part and limb can be chosen", () => {
    const values = (id) => [...$(`#${id}`).options].map((option) => option.value).join();
    equal(values("part"), ["all", ...data.parts.map((_, k) => k), data.parts.length].join(), "parts");
    equal(values("limb"), ["all", ...data.limbs.map((_, k) => k)].join(), "limbs");
    equal($("#part").options[data.parts.length + 1].textContent, "background");
  });
  await check("the stages of the network", () => {
    const section = $("#stage-maps");
    const button = $("#stage-button");
    equal(section.hidden, true, "hidden");
    key("s");
    equal(section.hidden, false, "hidden");
    equal(button.getAttribute("aria-expanded"), "true", "expanded");
    const [heatmaps, pafs] = all(".kind").map((kind) => [...kind.querySelectorAll("figure")]);
    equal(heatmaps.map((one) => one.querySelector("strong").textContent).join(), "Stage 1 of 2,Stage 2 of 2", "stages");
    equal(pafs.length, 2, "figures of PAFs");
    choose("part", "0");
    choose("limb", "2");
    const heading = all(".kind h2").map((one) => one.textContent).join("; ");
    const name = (part) => data.parts[part].replaceAll("_", " ");
    const { from, to } = data.limbs[2];
    equal(heading, `Heatmap of ${name(0)}; PAF of ${name(from)} – ${name(to)}`, "headings");
    const copy = Object.assign(document.createElement("canvas"), { width: 8, height: 1 });
    const context = copy.getContext("2d", { willReadFrequently: true });
    const pixel = (figure, x) => {
      context.clearRect(0, 0, 8, 1);
      context.drawImage(figure.querySelector("canvas"), 0, 0);
      return [...context.getImageData(x, 0, 1, 1).data];
    };
    const near = (found, expected, what) => {
      if (found.some((value, k) => Math.abs(value - expected[k]) > 2)) throw new Error(`${what} is ${found}`);
    };
    near(pixel(heatmaps[0], 0), [0, 0, 0, 0], "a heatmap of 0");
    near(pixel(heatmaps[0], 1), [252, 255, 164, 230], "a heatmap of 1");
    near(pixel(pafs[0], 0), [255, 77, 77, 230], "right");
    near(pixel(pafs[0], 1), [166, 214, 66, 230], "down");
    near(pixel(pafs[0], 2), [34, 211, 238, 230], "left");
    near(pixel(pafs[0], 3), [166, 111, 240, 230], "up");
    near(pixel(pafs[0], 4), [0, 0, 0, 0], "no field");
    const label = heatmaps[0].querySelector("canvas").getAttribute("aria-label");
    const [x, y] = data.maps.cell.map((cell, k) => Math.round(([1.5, 0.5][k] + data.maps.offset[k]) * cell - 0.5));
    equal(label, `Heatmap of ${name(0)}. Stage 1 of 2: strongest 1.00, at ${x}, ${y}`, "label");
    if (!pafs[1].querySelector("path")) throw new Error("no arrows");
    equal(document.documentElement.scrollWidth, document.documentElement.clientWidth, "width");
    const width = () => heatmaps[0].querySelector(".stage").getBoundingClientRect().width;
    const whole = width();
    key("+");
    if (innerWidth > 1000 && width() <= whole) throw new Error("+ makes the figures no larger");
    key("0");
    choose("part", String(data.parts.length));
    equal(heatmaps[0].closest(".kind").querySelector("h2").textContent, "Heatmap of the background");
    choose("part", "all");
    choose("limb", "all");
    button.click();
    equal(section.hidden, true, "hidden");
  });
  await check("candidates", () => {
    const { limb, accepted } = data.candidates;
    key("4");
    equal(inLayer("candidates", "line"), 2 * limb.length, "lines");
    choose("limb", "2");
    equal(inLayer("candidates", "line"), 2 * limb.filter((kind) => kind === 2).length, "lines of a limb");
    choose("limb", "all");
    key("c");
    equal($("#which").value, "accepted");
    equal(inLayer("candidates", "line"), 2 * accepted.filter(Boolean).length, "lines");
    choose("which", "rejected");
    equal(inLayer("candidates", "line"), 2 * accepted.filter((yes) => !yes).length, "lines");
    const hit = over.querySelector("[data-candidate]");
    hit.dispatchEvent(
      new PointerEvent("pointerover", { pointerType: "mouse", bubbles: true, clientX: 50, clientY: 50 }),
    );
    equal($("#tip").hidden, false, "tip hidden");
    const samples = data.candidates.along[hit.dataset.candidate].length;
    equal(inLayer("samples", "circle"), samples, "samples in the photo");
    equal($("#tip").querySelectorAll(".dot").length, samples, "samples in the chart");
    if (!/PAF score \d\.\d{3}, \d+ % of the limb agree/.test($("#tip").textContent)) return $("#tip").textContent;
    hit.dispatchEvent(new PointerEvent("pointerout", { pointerType: "mouse", bubbles: true }));
    equal($("#tip").hidden, true, "tip hidden");
    equal(inLayer("samples", "circle"), 0, "samples");
    choose("which", "all");
    key("4");
  });
  await check("a tapped peak", () => {
    const spot = over.querySelector('.spot[data-peak="2"]');
    spot.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 30, clientY: 30 }));
    equal($("#tip").hidden, false, "tip hidden");
    if (!$("#tip").textContent.includes(`id 2score ${data.peaks.score[2].toFixed(3)}`)) return $("#tip").textContent;
    key("Escape");
    equal($("#tip").hidden, true, "tip hidden");
  });
  await check("peaks lie where they are in the photo", () => {
    const scale = data.photo.width / panel.querySelector(".stage").getBoundingClientRect().width;
    for (const circle of over.querySelectorAll('[data-layer="peaks"] circle')) {
      const off = circle.getAttribute("cx") * scale - 0.5 - data.peaks.x[circle.dataset.peak];
      if (Math.abs(off) > 0.01) throw new Error(`peak ${circle.dataset.peak} is off by ${off}`);
    }
    const heat = panel.querySelector(".heat");
    equal(heat.style.left, `${(data.maps.offset[0] * data.maps.cell[0]) / scale}px`, "left edge of the maps");
  });
  await check("two groupings and their differences", () => {
    equal(all(".panel").length, 2, "panels");
    key("End");
    const marks = all(".panel").map((one) => one.querySelectorAll("[data-differs]").length);
    if (!marks[0]) throw new Error("nothing differs");
    equal(marks[0], marks[1], "marks");
    const sentence = $("#difference").textContent;
    if (!sentence.startsWith("In the answers, ") || !sentence.includes(`${marks[0]} peak`)) return sentence;
    key("Home");
    equal($("#difference").textContent, "After this step, both have the same people.");
    equal(all("[data-differs]").length, 0, "marks");
    key("End");
  });
  await check("larger and smaller", () => {
    const width = () => panel.querySelector(".stage").getBoundingClientRect().width;
    const whole = width();
    key("+");
    equal(Math.round((100 * width()) / whole), 150, "per cent");
    all("[data-zoom]").at(-1).click();
    equal(Math.round((100 * width()) / whole), 200, "per cent");
    key("0");
    equal(width(), whole, "width");
  });
  await check("dark and light", () => {
    const colours = new Set();
    const theme = () => document.documentElement.dataset.theme;
    const before = theme();
    colours.add(getComputedStyle(document.body).backgroundColor);
    $("#theme").click();
    if (theme() === before) throw new Error("a click changes nothing");
    colours.add(getComputedStyle(document.body).backgroundColor);
    equal(colours.size, 2, "backgrounds");
    key("t");
    equal(theme(), before, "theme");
  });
  await check("the keys are listed", () => {
    key("?");
    equal($("#keys").open, true, "open");
    if (all("#key-list dt").length < 15) throw new Error("too few");
    $("#keys").close();
  });
  await check("controls have names and can be reached", () => {
    for (const control of all("button, select, input")) {
      const name = control.textContent.trim() || control.getAttribute("aria-label") || control.labels?.[0]?.textContent;
      if (!name) throw new Error(`${control.outerHTML} has no name`);
    }
    $('[data-toggle="heat"]').focus();
    equal(document.activeElement, $('[data-toggle="heat"]'), "focus");
    document.activeElement.blur();
  });
  await check("nothing is wider than the screen", () => {
    for (const name of ["2", "3", "4"]) key(name);
    equal(document.documentElement.scrollWidth, document.documentElement.clientWidth, "width");
    for (const name of ["2", "3", "4"]) key(name);
  });
  await check("no errors", () => equal(window.problems.join("; "), "", "errors"));
  parent.postMessage({ name: `NAME ${innerWidth}`, found }, "*");
})();
