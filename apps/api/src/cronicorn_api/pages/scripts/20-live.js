// One stream for a tab that is seen: it tells which parts are not new any more, and they are
// fetched. Nothing changes under somebody who points, selects, or answers a dialog.
(() => {
  "use strict";
  const EVERY = 2000;
  const SILENCE = 5000;
  const POLL = 5000;
  const TRIED_AGAIN = 12;
  const SHARED_FOR = 1200;
  let parts = new WeakMap();
  let epoch = 0;
  let answered = 0;
  let topics = "";
  let source = null;
  let heard = 0;
  let clock = "";
  let paused = false;
  let polling = null;
  let pointing = false;

  const shown = () => document.getElementById("live");
  const say = (state, words) => {
    const live = shown();
    if (!live) return;
    live.dataset.state = state;
    const place = live.querySelector("[data-words]");
    if (place.textContent !== words) place.textContent = words;
  };
  const tell = () => {
    if (paused) say("paused", `Frozen, data from ${clock || "before"}`);
    else if (!navigator.onLine) say("offline", "Offline");
    else if (Date.now() - heard < SILENCE) say("live", `Live ${clock}`);
    else if (polling && Date.now() - answered < 3 * POLL) say("live", `Every 5 s ${clock}`);
    else if (clock) say("reconnecting", `Reconnecting, data from ${clock.slice(0, 5)}`);
  };

  const selecting = () => {
    const selection = getSelection();
    return selection && !selection.isCollapsed && selection.toString().trim() !== "";
  };
  const busy = () => paused || document.hidden || pointing || selecting()
    || document.querySelector("dialog[open]") !== null;
  // A menu that is open in a part keeps it as it is until it is closed.
  const opened = (part) => part.querySelector("details.menu[open]") !== null;

  // Rows keep their places while somebody points at them or has the focus there, so that no click
  // hits another one: what is new comes last, what is gone stays, until they turn elsewhere.
  const held = (part) => part.querySelector("[data-placed]")
    && (part.matches(":hover") || part.contains(document.activeElement));
  const inPlace = (part, text) => {
    const next = document.createElement("template");
    next.innerHTML = text;
    const rows = [...part.querySelector("[data-placed]").children];
    const into = next.content.querySelector("[data-placed]");
    const news = into ? [...into.children] : [];
    if (news.length === rows.length && news.every((each, at) => each.id === rows[at].id)) return text;
    if (!into) return null;
    const known = new Map(news.map((each) => [each.id, each]));
    const before = new Set(rows.map((each) => each.id));
    into.replaceChildren(
      ...rows.map((each) => known.get(each.id) ?? each.cloneNode(true)),
      ...news.filter((each) => !before.has(each.id)),
    );
    return { moved: next.innerHTML };
  };

  const renew = async (part, asked = false) => {
    const state = parts.get(part) ?? { at: 0, tag: null, due: false, going: false };
    parts.set(part, state);
    state.due = true;
    state.asked ||= asked;
    if (state.going || busy() || opened(part)) return;
    const wait = state.at + EVERY - Date.now();
    if (wait > 0) return;
    state.due = false;
    state.going = true;
    state.at = Date.now();
    const address = part.dataset.refetch;
    const mine = epoch;
    try {
      const headers = { "HX-Request": "true" };
      if (state.asked) headers["Cronicorn-Asked"] = "yes";
      state.asked = false;
      if (state.tag && state.address === address) headers["If-None-Match"] = state.tag;
      const answer = await fetch(address, { headers, cache: "no-store" });
      if (answer.status === 401) {
        window.cronicorn.signIn(() => renew(part));
        return;
      }
      if (answer.ok || answer.status === 304) seenAnswered();
      if (!answer.ok || !part.isConnected) return;
      let text = await answer.text();
      // It was asked for before the page became another one, by a deed: it may tell of before.
      if (mine !== epoch) return;
      if (busy() || opened(part)) {
        state.due = true;
        return;
      }
      state.tag = answer.headers.get("ETag");
      state.address = address;
      const placed = held(part) ? inPlace(part, text) : text;
      state.held = placed !== text;
      if (state.held) {
        state.tag = null;
        if (!placed) return;
        text = placed.moved;
      }
      await window.htmx.swap({ target: part, text, swap: "innerMorph", sourceElement: part });
      part.dispatchEvent(new CustomEvent("cronicorn:renewed", { bubbles: true }));
      rest(part);
    } catch {
      state.due = true;
    } finally {
      state.going = false;
    }
  };
  // What has ended changes no more; where all has, nothing is live any longer.
  const rest = (part) => {
    if (!part.querySelector("[data-settled]")) return;
    part.removeAttribute("data-refetch");
    if (document.querySelector("[data-refetch]")) return;
    document.getElementById("main").dataset.topics = "";
    settle();
  };
  // What a person has asked for, as by looking again, waits for nothing that spares the database.
  const concerned = (names, asked = false) => {
    const news = new Set(names);
    for (const part of document.querySelectorAll("[data-refetch]")) {
      const wanted = (part.dataset.on ?? "").split(/\s+/);
      if (news.has("*") || wanted.some((each) => news.has(each))) renew(part, asked);
    }
  };

  // What is shared may be a second old, and the stream tells nothing of before: so once more then.
  const lookAgain = () => {
    concerned(["*"], true);
    setTimeout(() => {
      if (!paused && !document.hidden) concerned(["*"], true);
    }, SHARED_FOR);
  };

  const stop = () => {
    source?.close();
    source = null;
    clearInterval(polling);
    polling = null;
  };
  const seenAnswered = () => {
    answered = Date.now();
    if (polling) clock = new Date().toTimeString().slice(0, 8);
  };
  // Where there is no room for a stream it is tried again now and then: others end.
  const poll = () => {
    if (polling) return;
    let times = 0;
    answered = Date.now();
    polling = setInterval(() => {
      times += 1;
      if (times % TRIED_AGAIN === 0) start();
      else concerned(["*"]);
    }, POLL);
  };
  const start = () => {
    if (source || paused || document.hidden || !topics) return;
    stop();
    source = new EventSource(`/_/stream?topics=${encodeURIComponent(topics)}`);
    let begun = false;
    source.addEventListener("ping", (event) => {
      const [at, ...names] = event.data.split(" ").filter(Boolean);
      if (begun && Date.now() - heard > SILENCE) names.push("*");
      begun = true;
      heard = Date.now();
      clock = at;
      if (names.length) concerned(names);
      tell();
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null;
      poll();
    });
  };

  setInterval(() => {
    tell();
    if (document.hidden) return;
    for (const part of document.querySelectorAll("[data-refetch]")) {
      const state = parts.get(part) ?? { at: Date.now(), due: false };
      parts.set(part, state);
      const every = Number(part.dataset.every ?? 0) * 1000;
      if (state.held && !held(part)) {
        state.held = false;
        state.due = true;
      }
      if (state.due || (every && Date.now() - state.at >= every && !paused)) renew(part);
    }
  }, 500);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stop();
      return;
    }
    start();
    if (topics && !paused && clock) lookAgain();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  addEventListener("pointerdown", () => { pointing = true; });
  for (const each of ["pointerup", "pointercancel", "contextmenu", "blur"]) {
    addEventListener(each, () => { pointing = false; });
  }
  for (const each of ["online", "offline"]) addEventListener(each, tell);

  const pause = () => {
    paused = !paused;
    const button = shown()?.querySelector("[data-pause]");
    if (button) button.textContent = paused ? "Follow" : "Freeze";
    if (paused) stop();
    else {
      start();
      lookAgain();
    }
    tell();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-pause]")) pause();
  });
  document.addEventListener("cronicorn:pause", pause);

  // A part that some other thing has changed, say a choice of what it shows, is fetched at once.
  document.addEventListener("cronicorn:renew", (event) => {
    const part = event.target.closest?.("[data-refetch]");
    if (part) {
      parts.set(part, { at: 0, tag: null, due: true, going: false });
      renew(part);
    }
  });

  // The tab itself shows that something fails, for those who look at another one.
  const icon = document.querySelector('link[rel="icon"]');
  const usual = { title: document.title, icon: icon?.getAttribute("href") };
  const mark = () => {
    const told = document.querySelector("main [data-failing]");
    if (!told || !icon) return;
    const failing = Number(told.dataset.failing);
    document.title = failing ? `(${failing}) ${usual.title}` : usual.title;
    const wanted = failing ? icon.dataset.failing : usual.icon;
    if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  };
  document.addEventListener("cronicorn:renewed", mark);
  mark();

  // The page in its frame may have become another one: by a post that led on.
  const settle = () => {
    const main = document.getElementById("main");
    parts = new WeakMap();
    epoch += 1;
    for (const each of document.querySelectorAll(".rail [data-place]")) {
      if (each.dataset.place === main.dataset.place) each.setAttribute("aria-current", "page");
      else each.removeAttribute("aria-current");
    }
    for (const each of document.querySelectorAll('form[action="/look"] [name="next"]')) {
      each.value = location.pathname + location.search;
    }
    usual.title = document.title.replace(/^\(\d+\) /, "");
    mark();
    if (topics === (main.dataset.topics ?? "")) return;
    stop();
    topics = main.dataset.topics ?? "";
    heard = 0;
    clock = "";
    shown().hidden = !topics;
    shown().querySelector("[data-pause]").hidden = !topics;
    start();
  };
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target?.id === "main") queueMicrotask(settle);
  });
  if (shown()) settle();
})();
