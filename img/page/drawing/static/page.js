/* The player and the timeline follow each other. Everything listens on the document, because Gradio replaces
   the parts of the page whenever they change. */
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);
  const player = () => find(".moments-player video");
  const timeline = () => find(".moments-timeline");
  let stopAt = null;

  const clock = (seconds) => {
    const tenths = Math.round(seconds * 10);
    const minutes = Math.floor(tenths / 600);
    const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
    return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
  };

  const length = () => Number(timeline()?.dataset.duration) || player()?.duration || 0;

  function place(line, seconds) {
    const share = Math.min(Math.max(seconds / length(), 0), 1);
    line.style.left = `${100 * share}%`;
    const label = line.firstElementChild;
    label.textContent = clock(seconds);
    label.style.setProperty("--shift", share > 0.9 ? "calc(-100% - 6px)" : "4px");
  }

  function follow() {
    const video = player(), strip = timeline();
    if (!video || !strip) return;
    const now = video.currentTime;
    place(strip.querySelector(".cursor"), now);
    const overlay = strip.querySelector(".overlay");
    overlay.setAttribute("aria-valuenow", now.toFixed(3));
    overlay.setAttribute("aria-valuetext", clock(now));
    if (stopAt !== null && now >= stopAt) {
      stopAt = null;
      video.pause();
    }
  }

  function seek(seconds) {
    const video = player();
    if (!video) return;
    const target = Math.min(Math.max(seconds, 0), length());
    const go = () => { video.currentTime = target; follow(); };
    if (video.readyState >= 1) go(); else video.addEventListener("loadedmetadata", go, { once: true });
  }

  function mark() {
    const rank = find('.moments-answers .answer[aria-pressed="true"]')?.dataset.rank;
    for (const band of document.querySelectorAll(".moments-timeline .chosen .band"))
      band.classList.toggle("selected", band.dataset.rank === rank);
  }

  function choose(answer, play) {
    for (const other of document.querySelectorAll(".moments-answers .answer"))
      other.setAttribute("aria-pressed", String(other === answer));
    mark();
    seek(Number(answer.dataset.start));
    if (!play) return;
    stopAt = Number(answer.dataset.end);
    player()?.play().catch(() => { stopAt = null; });
  }

  const secondsAt = (overlay, event) => {
    const box = overlay.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * length();
  };

  document.addEventListener("click", (event) => {
    const answer = event.target.closest(".moments-answers .answer");
    if (answer) return choose(answer, true);
    const overlay = event.target.closest(".moments-timeline .overlay");
    if (overlay) { stopAt = null; seek(secondsAt(overlay, event)); }
  });

  document.addEventListener("pointermove", (event) => {
    const overlay = event.target.closest?.(".moments-timeline .overlay");
    const line = find(".moments-timeline .hover");
    if (line) line.hidden = !overlay || event.pointerType === "touch";
    if (overlay && line && !line.hidden) place(line, secondsAt(overlay, event));
  });

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".moments-timeline .overlay")) return;
    const video = player();
    if (!video) return;
    const now = video.currentTime;
    const step = event.shiftKey ? 5 : 1;
    const targets = { ArrowLeft: now - step, ArrowRight: now + step, ArrowDown: now - step, ArrowUp: now + step,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: length() };
    if (event.key in targets) { stopAt = null; seek(targets[event.key]); }
    else if (event.key === " " || event.key === "Enter") video.paused ? video.play() : video.pause();
    else return;
    event.preventDefault();
  });

  // Media events do not bubble; they are caught on the way down.
  for (const name of ["timeupdate", "seeked", "loadedmetadata"]) document.addEventListener(name, follow, true);
  const glide = () => { const video = player(); if (video && !video.paused) follow(); requestAnimationFrame(glide); };
  requestAnimationFrame(glide);

  // New answers: the player waits at the best one. A new timeline: its cursor goes where the player is.
  let answered = null, drawn = null;
  new MutationObserver(() => {
    const first = find(".moments-answers .answer"), strip = timeline();
    if (first && first !== answered) { stopAt = null; choose(first, false); }
    if (strip && strip !== drawn) { mark(); follow(); }
    [answered, drawn] = [first, strip];
  }).observe(document.body, { childList: true, subtree: true });
})();
