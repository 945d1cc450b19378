// explain --watch: a script beside the page tells which version of the page is the newest. The page loads that script
// each second, and itself again if there is a newer version. It goes on where the person was.

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
      if (watch.silent < 3) return; // it is replaced while the page asks
      clearInterval(watch.timer);
      watch.say("explain --watch has ended.");
    };
    document.head.append(script);
  },
  hear({ version, problem }) {
    watch.silent = 0;
    if (version === data.watch.version) watch.say(problem && `An older version of the file is shown: ${problem}`);
    else if (watch.keep(version)) location.reload();
  },
  say(problem) {
    const text = problem || `Follows the file; written at ${data.watch.time}.`;
    if ($("watch").textContent !== text) $("watch").textContent = text; // else it is read out each second
    $("watch").classList.toggle("problem", Boolean(problem));
    $("watch").hidden = false;
  },
  /** Keep what is shown for the page that comes. False if that page was awaited already and has not come. */
  keep(version) {
    const { step, layers, part, limb, which, zoom } = state;
    const kept = { version, step: step === lastStep ? "last" : step, layers, part, limb, which, zoom };
    const theme = document.documentElement.dataset.theme;
    const places = [scrollX, scrollY];
    try {
      if (watch.awaited === version) return false;
      sessionStorage.setItem(watch.place, JSON.stringify({ ...kept, stages: state.stages, theme, places }));
    } catch {
      // The browser keeps nothing for files: the page begins anew.
    }
    watch.awaited = version;
    return true;
  },
  /** What was shown before the page loaded itself again, or null. */
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
  /** Choose what was chosen before; a step, unless the grouping fails at one. */
  restore({ step, layers, part, limb, which, zoom, theme }, fails) {
    Object.assign(state, { layers, part, limb, which, zoom });
    if (!fails) state.step = step === "last" ? lastStep : Math.min(step, lastStep);
    for (const name of ["part", "limb", "which"]) $(name).value = state[name];
    $("zoomed").textContent = `${100 * ZOOMS[zoom]} %`;
    setTheme(theme === "dark");
  },
};
