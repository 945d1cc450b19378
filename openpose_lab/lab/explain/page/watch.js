// explain --watch: a script beside the page names the newest version of the page. The page loads this script each
// second, and loads itself again if a newer version exists. The new page shows the same step and settings.

const watch = {
  place: `openpose-lab ${location.pathname}`,
  silent: 0, // seconds

  begin() {
    if (!data.watch) return;
    window.openPoseLab = (newest) => watch.hear(newest);
    watch.timer = setInterval(watch.ask, 1000);
    watch.say("");
  },
  ask() {
    const script = node(null, "script", { src: `${encodeURIComponent(data.watch.script)}?${Date.now()}` });
    script.onload = () => script.remove();
    script.onerror = () => {
      script.remove();
      watch.silent += 1;
      if (watch.silent < 3) return; // the script may be missing for a moment, while it is replaced
      clearInterval(watch.timer);
      watch.say("explain --watch has ended.");
    };
    document.head.append(script);
  },
  hear({ version, problem }) {
    watch.silent = 0;
    if (version === data.watch.version) watch.say(problem && `This page shows an older version of the file: ${problem}`);
    else if (watch.keep(version)) location.reload();
  },
  say(problem) {
    const text = problem || `This page follows the file. Last update: ${data.watch.time}.`;
    if ($("watch").textContent !== text) $("watch").textContent = text; // else it is read aloud each second
    $("watch").classList.toggle("problem", Boolean(problem));
    $("watch").hidden = false;
  },
  /** Store the step and settings for the new page. Return false if the page already tried to load this version. */
  keep(version) {
    const { step, layers, part, limb, which, zoom } = state;
    const kept = { version, step: step === lastStep ? "last" : step, layers, part, limb, which, zoom };
    const theme = document.documentElement.dataset.theme;
    const places = [scrollX, scrollY];
    try {
      if (watch.awaited === version) return false;
      sessionStorage.setItem(watch.place, JSON.stringify({ ...kept, stages: state.stages, theme, places }));
    } catch {
      // The browser stores nothing for pages from files, so the new page starts from the beginning.
    }
    watch.awaited = version;
    return true;
  },
  /** Return the step and settings from before the page loaded itself again, or null. */
  kept() {
    if (!data.watch) return null;
    try {
      const kept = JSON.parse(sessionStorage.getItem(watch.place));
      sessionStorage.removeItem(watch.place);
      watch.awaited = kept?.version;
      return kept;
    } catch {
      return null;
    }
  },
  /** Restore the step and settings. If the grouping fails at a step, show that step instead. */
  restore({ step, layers, part, limb, which, zoom, theme }, fails) {
    Object.assign(state, { layers, part, limb, which, zoom });
    if (!fails) state.step = step === "last" ? lastStep : Math.min(step, lastStep);
    for (const name of ["part", "limb", "which"]) $(name).value = state[name];
    $("zoomed").textContent = `${100 * ZOOMS[zoom]} %`;
    setTheme(theme === "dark");
  },
};
