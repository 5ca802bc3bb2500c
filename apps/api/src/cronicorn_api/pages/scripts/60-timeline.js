// A timeline is whole without this. This reads it out mark by mark, follows the pointer, and zooms.
(() => {
  "use strict";
  const at = new WeakMap();
  const NARROW = matchMedia("(max-width: 639px)");
  const figureOf = (element) => element?.closest?.("[data-timeline]");
  const spotsOf = (figure) => {
    const data = figure.querySelector("[data-spots]");
    return data ? JSON.parse(data.textContent) : [];
  };
  const plots = (figure) => figure.querySelector(".cursor-layer").getBoundingClientRect();
  const share = (figure, x) => {
    const box = plots(figure);
    return box.width ? Math.min(Math.max((x - box.left) / box.width, 0), 1) : 0;
  };

  const point = (figure, number) => {
    const spots = spotsOf(figure);
    if (!spots.length) return;
    const chosen = Math.min(Math.max(number, 0), spots.length - 1);
    at.set(figure, chosen);
    const [x, text] = spots[chosen];
    const slider = figure.querySelector("[data-slider]");
    slider.setAttribute("aria-valuenow", chosen + 1);
    slider.setAttribute("aria-valuetext", text);
    slider.querySelector("[data-readout]").textContent = text;
    const line = figure.querySelector(".cursor-line");
    line.setAttribute("x1", `${x}%`);
    line.setAttribute("x2", `${x}%`);
  };
  const nearest = (figure, percent) => {
    const spots = spotsOf(figure);
    let best = 0;
    spots.forEach(([x], number) => {
      if (Math.abs(x - percent) < Math.abs(spots[best][0] - percent)) best = number;
    });
    return best;
  };
  const open = (figure, number) => {
    const href = spotsOf(figure)[number]?.[2];
    if (!href) return;
    if (href.startsWith("?")) location.search = withRest(href);
    else location.href = href;
  };
  // What else the address says, such as the value that is drawn, stays.
  const withRest = (query) => {
    const wanted = new URLSearchParams(query);
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (!["window", "from", "until"].includes(name) && !wanted.has(name)) wanted.set(name, value);
    }
    return wanted.toString();
  };
  const instant = (figure, part) => {
    const begins = Number(figure.dataset.begins), ends = Number(figure.dataset.ends);
    return new Date((begins + part * (ends - begins)) * 1000);
  };
  const written = (when) => `${when.toISOString().slice(0, 19)}Z`;

  const ready = () => {
    for (const slider of document.querySelectorAll("[data-slider][hidden]")) slider.hidden = false;
    for (const figure of document.querySelectorAll("[data-timeline]")) {
      const number = at.get(figure);
      if (number !== undefined && document.activeElement === figure.querySelector("[data-slider]")) point(figure, number);
      for (const name of hidden) figure.classList.add(`hide-${name}`);
      for (const button of figure.querySelectorAll("[data-legend]")) {
        button.setAttribute("aria-pressed", hidden.has(button.dataset.legend) ? "false" : "true");
      }
    }
  };
  const hidden = new Set();

  document.addEventListener("keydown", (event) => {
    const slider = event.target.closest?.("[data-slider]");
    if (!slider) return;
    const figure = figureOf(slider);
    const now = at.get(figure) ?? spotsOf(figure).length - 1;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 };
    if (event.key in steps) point(figure, now + steps[event.key]);
    else if (event.key === "Home") point(figure, 0);
    else if (event.key === "End") point(figure, Infinity);
    else if (event.key === "Enter") open(figure, now);
    else if (["+", "-", "0"].includes(event.key)) {
      const link = document.querySelector(`[data-zoom="${event.key}"]`);
      if (link) link.click();
    } else return;
    event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const slider = event.target.closest?.("[data-slider]");
    if (slider) point(figureOf(slider), at.get(figureOf(slider)) ?? Infinity);
  });

  let drag = null;
  let dragged = false;
  document.addEventListener("pointermove", (event) => {
    const figure = drag?.figure ?? figureOf(event.target.closest?.(".plot"));
    if (!figure) return;
    const part = share(figure, event.clientX);
    if (drag) {
      drag.to = part;
      const brush = figure.querySelector(".brush");
      brush.setAttribute("x", `${Math.min(drag.from, part) * 100}%`);
      brush.setAttribute("width", `${Math.abs(drag.from - part) * 100}%`);
    }
    point(figure, nearest(figure, part * 100));
  });
  document.addEventListener("pointerdown", (event) => {
    const plot = event.target.closest?.(".plot");
    const figure = figureOf(plot);
    if (!figure || event.button !== 0 || event.pointerType === "touch") return;
    const part = share(figure, event.clientX);
    dragged = false;
    drag = { figure, from: part, to: part };
    event.preventDefault();
  });
  document.addEventListener("pointerup", () => {
    if (!drag) return;
    const { figure, from, to } = drag;
    drag = null;
    const brush = figure.querySelector(".brush");
    brush.setAttribute("width", "0");
    if (Math.abs(to - from) < 0.01) return;
    dragged = true;
    const since = instant(figure, Math.min(from, to)), until = instant(figure, Math.max(from, to));
    location.search = withRest(`?from=${written(since)}&until=${written(until)}`);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-legend]");
    if (button) {
      const name = button.dataset.legend;
      if (hidden.has(name)) hidden.delete(name);
      else hidden.add(name);
      const figure = figureOf(button);
      figure.classList.toggle(`hide-${name}`, hidden.has(name));
      button.setAttribute("aria-pressed", hidden.has(name) ? "false" : "true");
      return;
    }
    const plot = event.target.closest?.(".plot");
    const figure = figureOf(plot);
    if (!figure) return;
    event.preventDefault();
    if (!dragged) open(figure, nearest(figure, share(figure, event.clientX) * 100));
    dragged = false;
  });

  const tellWidth = () => {
    document.cookie = `cronicorn_narrow=${NARROW.matches ? 1 : 0}; path=/; max-age=31536000; samesite=strict`;
  };
  NARROW.addEventListener("change", tellWidth);
  tellWidth();
  document.addEventListener("cronicorn:renewed", ready);
  document.addEventListener("htmx:after:swap", ready);
  ready();
})();
// Plain series: bars of runs by day, and lines of percentiles. The table beneath says the same.
(() => {
  "use strict";
  const drawn = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // A colour such as light-dark(a, b) is only known once something has it.
  const known = (name) => {
    const probe = document.createElement("span");
    probe.style.color = colour(name);
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY = 86400;
  const dated = (_, values) => values.map((v) => {
    const day = new Date(v * 1e3);
    return `${MONTHS[day.getUTCMonth()]} ${day.getUTCDate()}`;
  });
  // A tick a day at most, and none but at noon, where the values are.
  const noons = (plot, axis, low, high) => {
    const room = Math.max(1, Math.floor(plot.width / 80));
    const every = Math.max(1, Math.ceil((high - low) / DAY / room)) * DAY;
    const ticks = [];
    for (let at = Math.ceil((low - DAY / 2) / DAY) * DAY + DAY / 2; at <= high; at += every) ticks.push(at);
    return ticks;
  };
  const decades = (plot, values) => values.map((v) => (Number.isInteger(Math.log10(v)) ? v : null));
  const axes = (label, filter) => [
    { stroke: known("--muted"), grid: { show: false }, ticks: { show: false }, size: 26, values: dated, splits: noons },
    { stroke: known("--muted"), grid: { stroke: known("--hairline"), width: 1 }, ticks: { show: false }, size: 56, values: label, filter },
  ];
  const short = (_, values) => values.map((v) => (v >= 1e6 ? `${v / 1e6}M` : v >= 1e3 ? `${v / 1e3}k` : `${v}`));
  const lengths = (_, values) => values.map((v) => (v === null ? "" : v >= 1000 ? `${v / 1000} s` : `${v} ms`));

  const draw = (place, data, size) => {
    const bars = window.uPlot.paths.bars({ size: [0.8, 40], align: 0 });
    const x = { range: (_, low, high) => [low - DAY / 2, high + DAY / 2] };
    const usual = { ...size, legend: { show: false }, cursor: { show: false } };
    if (place.dataset.chart === "runs") {
      const [days, ok, failed, ours] = data.runs;
      const over = ours.map((each, n) => each + failed[n]);
      const whole = over.map((each, n) => each + ok[n]);
      const bar = (name) => ({ width: 0, fill: known(name), paths: bars, points: { show: false } });
      return new window.uPlot({ ...usual, scales: { x, y: { range: (_, low, high) => [0, high || 1] } }, axes: axes(short), series: [{}, bar("--ok"), bar("--target-failed"), bar("--we-failed")] }, [days, whole, over, ours], place);
    }
    // Half of the runs and one in a hundred lie far apart: the scale is a logarithm, from 1 ms.
    const [days, ...shares] = data[place.dataset.chart];
    const above = shares.map((share) => share.map((each) => each === null ? null : Math.max(each, 1)));
    const most = Math.max(10, ...above.flat());
    const y = { distr: 3, range: [1, 10 ** Math.ceil(Math.log10(most))] };
    const line = (name, width, dash) => ({
      stroke: known(name), width, dash, points: { show: true, size: 5, fill: known(name) },
    });
    const lines = [line("--text", 2), line("--text", 1.5, [6, 4]), line("--muted", 1.5, [2, 3])];
    return new window.uPlot({ ...usual, scales: { x, y }, axes: axes(lengths, decades), series: [{}, ...lines] }, [days, ...above], place);
  };
  const sizeOf = (place) => ({ width: Math.max(place.clientWidth, 120), height: 220 });
  const all = () => {
    const told = document.querySelector("[data-series]");
    if (!told || !window.uPlot) return;
    const data = JSON.parse(told.textContent);
    while (drawn.length) drawn.pop()[1].destroy();
    for (const place of document.querySelectorAll("[data-chart]")) drawn.push([place, draw(place, data, sizeOf(place))]);
  };
  addEventListener("load", all);
  document.addEventListener("htmx:after:swap", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  addEventListener("resize", () => {
    for (const [place, plot] of drawn) plot.setSize(sizeOf(place));
  });
})();
