"use strict";
(() => {
  const EVERY = 1000, LONGEST = 180e3, SHORTEST = 60e3, STEP = 30e3, CALM = 100; // ms: between requests, on a chart, below which a holder is no news
  const $ = id => document.getElementById(id);
  const make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = text; return e; };
  const svg = (tag, attrs) => { const e = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const k in attrs) e.setAttribute(k, attrs[k]); return e; };
  const put = (e, text) => { if (e.textContent !== text) e.textContent = text; };

  // Words and figures.
  const number = n => Math.round(n).toLocaleString("en-US");
  const few = n => n >= 100 || n === 0 ? number(n) : n >= 10 ? n.toFixed(0) : n.toFixed(1);
  function length(ms) {
    if (ms <= 0) return "0";
    if (ms < 1) return Math.round(ms * 1000) + " µs";
    if (ms < 10) return (ms < 9.95 ? ms.toFixed(1) : "10") + " ms";
    if (ms < 1000) return Math.round(ms) + " ms";
    if (ms < 10e3) return (ms / 1000).toFixed(1) + " s";
    const s = Math.round(ms / 1000);
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min" + (s % 60 && s < 600 ? " " + s % 60 + " s" : "");
    if (s < 86400) return Math.floor(s / 3600) + " h" + (s % 3600 >= 60 ? " " + Math.floor(s % 3600 / 60) + " min" : "");
    return Math.floor(s / 86400) + " d " + Math.floor(s % 86400 / 3600) + " h";
  }
  const clock = t => new Date(t).toLocaleTimeString("en-GB");
  const plural = (n, one, many) => number(n) + " " + (n === 1 ? one : many || one + "s");
  const shortFunc = f => f.slice(f.lastIndexOf("/") + 1);
  const shortFile = f => f.split("/").slice(-2).join("/");

  // keyed keeps one element for each item, so that focus and what is unfolded survive a refresh. Items with one key are told
  // apart by their order: elements of one key would never be found again, and never leave.
  function keyed(parent, items, key, create, update) {
    const old = new Map(), seen = new Map();
    for (const e of parent.children) old.set(e.dataset.key, e);
    let at = parent.firstChild;
    for (const item of items) {
      let k = String(key(item));
      const again = seen.get(k) || 0;
      seen.set(k, again + 1);
      if (again) k += " (" + again + ")";
      let e = old.get(k);
      if (e) old.delete(k); else { e = create(item); e.dataset.key = k; }
      update(e, item);
      if (e === at) at = at.nextSibling; else parent.insertBefore(e, at);
    }
    for (const e of old.values()) e.remove();
  }

  // The state banner.
  const LEVELS = {
    healthy: ["Healthy", "M15 25l6.5 6.5L34 18"], degraded: ["Degraded", "M24 14v13M24 33.5v.1"], unhealthy: ["Unhealthy", "M17 17l14 14M31 17L17 31"],
    starting: ["Starting", "M24 13v12l7 5"], paused: ["Paused", "M19.5 16v16M28.5 16v16"], closed: ["Closed", "M15 24h18"],
  };
  function banner(v) {
    const [name, path] = LEVELS[v.status.level] || LEVELS.closed;
    $("banner").dataset.level = v.status.level;
    put($("level"), name);
    put($("spoken"), "Pool " + v.pool + ": " + name); // read aloud when it changes, and only then
    $("sign").setAttribute("d", path);
    put($("since"), "since " + clock(v.status.since) + ", for " + length(Date.parse(v.at) - Date.parse(v.status.since)));
    const lines = (list, texts) => keyed($(list), texts.map((text, i) => [i, text]), l => l[0], () => make("li"), (e, l) => put(e, l[1]));
    lines("reasons", v.outage ? [...v.status.reasons, v.outage.text] : v.status.reasons);
    lines("steps", v.status.steps);
    $("first").hidden = !v.status.steps.length;
    $("banner").dataset.at = v.at; // which answer is on the page
    put($("pool"), v.pool);
    const last = samples[samples.length - 1] || {loans: 0, errors: 0}, g = v.gauges;
    const figures = [
      ["in use", g.in_use, " / " + g.max_conns, g.in_use >= g.max_conns && g.waiting ? "hot" : ""],
      ["waiting", number(g.waiting), "", g.waiting ? "hot" : ""],
      ["oldest wait", g.waiting ? length(g.oldest_wait_ms) : "–", "", g.oldest_wait_ms > 1000 ? "bad" : ""],
      ["loans / s", few(last.loans), "", ""],
      ["failed / s", few(last.errors), "", last.errors ? "bad" : ""],
      ["leaks", v.leaks ? g.leaks : "–", "", g.leaks ? "bad" : ""],
    ];
    keyed($("figures"), figures, f => f[0], f => { const d = make("div"), dd = make("dd"); dd.append("", make("small")); d.append(make("dt", "", f[0]), dd); return d; },
      (e, f) => { e.className = f[3]; const dd = e.lastChild; dd.firstChild.data = String(f[1]); put(dd.lastChild, f[2]); });
    document.title = name + " · " + v.pool + " · sqlpool";
    const tone = {healthy: "#1c8a5a", starting: "#5b6f8f", degraded: "#c98a16", unhealthy: "#c4302b"}[v.status.level] || "#5b6f8f";
    const icon = "data:image/svg+xml," + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="' + tone + '"/></svg>');
    if ($("icon").href !== icon) $("icon").href = icon;
  }

  // The connections: a cell for each slot. A connection keeps its slot for life.
  const STATES = {in_use: "in use", idle: "idle", validating: "validating", dialing: "dialing", leaked: "held too long", closing: "closing", free: "free"};
  const slots = []; // connection number, or undefined
  let chosen = null, walking = 0;
  function cells(v) {
    const live = new Set(v.conns.map(c => c.id)), byID = new Map(v.conns.map(c => [c.id, c]));
    for (let i = 0; i < slots.length; i++) if (!live.has(slots[i])) slots[i] = undefined;
    for (const id of live) if (!slots.includes(id)) { let i = slots.indexOf(undefined); slots[i < 0 ? slots.length : i] = id; }
    let n = Math.max(v.gauges.max_conns, slots.length), dialing = v.gauges.dialing;
    while (slots.length && slots[slots.length - 1] === undefined) slots.pop();
    const list = [];
    for (let i = 0; i < Math.min(n, 400); i++) {
      const c = byID.get(slots[i]);
      list.push(c ? {...c, slot: i} : {state: dialing-- > 0 ? "dialing" : "free", slot: i});
    }
    const room = $("cells").clientWidth, many = n > 64, few = n <= 24 && room > 480, gap = many ? 4 : 8, least = many ? 36 : few ? 74 : 54;
    const fit = Math.max(1, Math.floor((room + gap) / (least + gap)));
    $("cells").classList.toggle("many", many);
    $("cells").classList.toggle("few", few);
    $("cells").style.setProperty("--cols", Math.ceil(list.length / Math.ceil(list.length / fit)) || 1); // rows of one length
    keyed($("cells"), list, c => c.slot, cell, drawCell(v.lifetime_ms));
    const kids = $("cells").children;
    walking = Math.min(walking, kids.length - 1);
    for (let i = 0; i < kids.length; i++) kids[i].tabIndex = i === walking ? 0 : -1;
    put($("conns-sum"), plural(v.gauges.open, "connection") + " open of " + v.gauges.max_conns + (n > 400 ? ", 400 shown" : "") +
      ", at least " + v.gauges.min_idle + " kept idle");
    const w = v.gauges.waiting, dots = $("dots");
    put($("queue-text"), w ? plural(w, "acquire waits", "acquires wait") + ", the oldest for " + length(v.gauges.oldest_wait_ms) : v.paused ? "No acquire waits yet." : "No acquire waits.");
    while (dots.children.length > Math.min(w, 60)) dots.lastChild.remove();
    while (dots.children.length < Math.min(w, 60)) dots.append(make("i"));
    inspect(list);
  }
  const ROUND = 2 * Math.PI * 20;
  function cell() {
    const b = make("button", "cell");
    b.type = "button";
    const s = svg("svg", {viewBox: "0 0 46 46", "aria-hidden": "true"}), text = svg("text", {x: 23, y: 23.5});
    s.append(svg("circle", {class: "track", cx: 23, cy: 23, r: 20}), svg("circle", {class: "ring", cx: 23, cy: 23, r: 20}), svg("circle", {class: "core", cx: 23, cy: 23, r: 14.5}), text);
    b.append(s, make("span"));
    return b;
  }
  const drawCell = lifetime => (e, c) => {
    e.dataset.state = c.state;
    e.conn = c;
    const ring = e.firstChild.children[1];
    ring.style.strokeDasharray = c.id && c.state !== "closing" ? Math.max(.02, Math.min(1, c.age_ms / lifetime)) * ROUND + " 200" : "";
    ring.style.display = c.state === "free" ? "none" : "";
    put(e.firstChild.lastChild, c.id ? String(c.id) : c.state === "dialing" ? "…" : "");
    const held = (c.state === "in_use" || c.state === "leaked") && c.for_ms >= 1000 ? length(c.for_ms) : "";
    put(e.lastChild, held);
    e.setAttribute("aria-label", (c.id ? "Connection " + c.id : "Slot " + (c.slot + 1)) + ", " + STATES[c.state] + (held ? ", " + held : ""));
  };
  const backend = c => c.pid ? "Backend pid " + c.pid + (c.server ? " on " + c.server : "") + (c.role ? ", " + c.role : "") + ". " : "";
  function inspect(list) {
    const c = list && chosen !== null ? list[chosen] : null, box = $("inspector");
    for (const e of $("cells").children) e.setAttribute("aria-current", String(e.conn.slot === chosen));
    if (!c) { put(box, "Point at a connection, or walk with the arrow keys, to see what it does. The ring is its age: full after " + length(view.lifetime_ms) + "."); return; }
    box.textContent = "";
    if (!c.id) { box.append(c.state === "dialing" ? "A connection is being dialed for this slot." : "This slot is free: no connection is open in it."); return; }
    box.append(make("b", "", "Connection " + c.id), " is " + STATES[c.state] + (c.for_ms ? ", " + length(c.for_ms) : "") + (c.activity ? ", " + c.activity : "") + (c.in_transaction ? ", in a transaction" : "") +
      ". " + backend(c) + "Age " + length(c.age_ms) + ", dialed in " + length(c.took_ms) + ", " + plural(c.loans, "loan") + ", " + plural(c.uses, "statement") + ".");
    if (c.statement) box.append(make("span", "mono", c.statement));
  }
  const choose = slot => { chosen = slot; inspect(Array.from($("cells").children, e => e.conn)); };
  $("cells").addEventListener("pointerover", e => { const b = e.target.closest(".cell"); if (b) choose(b.conn.slot); });
  $("cells").addEventListener("pointerleave", () => { if (!$("cells").contains(document.activeElement)) choose(null); });
  $("cells").addEventListener("focusin", e => { const b = e.target.closest(".cell"); if (b) { walking = b.conn.slot; choose(walking); } });
  $("cells").addEventListener("keydown", e => {
    const kids = $("cells").children, across = getComputedStyle($("cells")).gridTemplateColumns.split(" ").length;
    const to = {ArrowRight: walking + 1, ArrowLeft: walking - 1, ArrowDown: walking + across, ArrowUp: walking - across, Home: 0, End: kids.length - 1}[e.key];
    if (to === undefined || !kids[to]) return;
    e.preventDefault();
    kids[walking].tabIndex = -1;
    walking = to;
    kids[to].tabIndex = 0;
    kids[to].focus();
  });
  for (const [state, text] of [["in_use", "in use"], ["idle", "idle"], ["validating", "validating"], ["dialing", "dialing"], ["leaked", "held too long"], ["closing", "closing"]]) {
    const li = make("li", state === "in_use" || state === "leaked" ? "solid" : "");
    li.append(make("i", ""), text);
    li.style.setProperty("--hue", "var(--" + {in_use: "use", idle: "idle", validating: "check", dialing: "dial", leaked: "leak", closing: "gone"}[state] + ")");
    $("legend").append(li);
  }

  // Percentiles, on a logarithmic strip from 10 µs to 100 s.
  const place = ms => Math.max(0, Math.min(100, (Math.log10(Math.max(ms, .01)) + 2) / 7 * 100));
  function latency(v) {
    const rows = v.latency ? [["Wait for a connection", v.latency.acquire], ["Held by a caller", v.latency.held], ["Dial", v.latency.dial]] : [];
    keyed($("latency"), rows, r => r[0], r => {
      const d = make("div", "quant"), h = make("h3", "", r[0]), strip = make("div", "strip"), dl = make("dl");
      h.append(make("small"));
      strip.append(make("i"), make("i"));
      strip.setAttribute("aria-hidden", "true");
      for (const p of ["p50", "p90", "p99", "max"]) { const cell = make("div"); cell.append(make("dt", "", p), make("dd")); dl.append(cell); }
      d.append(h, strip, dl);
      return d;
    }, (e, [, q]) => {
      put(e.firstChild.lastChild, q.count ? number(q.count) : "none");
      [q.p50_ms, q.p90_ms, q.p99_ms, q.max_ms].forEach((x, i) => put(e.lastChild.children[i].lastChild, q.count ? length(x) : "–"));
      const [wide, core] = e.children[1].children;
      const span = (el, from, to) => { el.style.left = place(from) + "%"; el.style.width = Math.max(to > .01 ? 1.5 : 0, place(to) - place(from)) + "%"; };
      span(wide, q.p50_ms, q.max_ms); span(core, q.p50_ms, q.p99_ms);
    });
    $("latency-card").hidden = !v.latency; // the advice says what is missing
    $("connections").classList.toggle("alone", !v.latency);
  }

  // Charts. Each is lines or stacked areas of the samples of the last minutes.
  const H = 100, W = 1000;
  const CHARTS = [
    {id: "c1", top: s => Math.max(s.max, s.waiting), least: 2, limit: s => s.max, unit: number,
      areas: [["a-use", "use", "in use", s => s.in_use], ["a-idle", "idle", "idle", s => s.idle], ["a-dial", "dial", "dialing", s => s.dialing]],
      lines: [["l-wait", "leak", "waiting", s => s.waiting]]},
    {id: "c2", top: s => s.wait99_ms, least: 1, unit: length, areas: [],
      lines: [["l-2", "check", "p99", s => s.wait99_ms], ["l-1", "use", "p50", s => s.wait50_ms]]},
    {id: "c3", top: s => Math.max(s.loans, s.errors), least: 1, unit: few, areas: [],
      lines: [["l-1", "use", "loans", s => s.loans], ["l-bad", "bad", "failed", s => s.errors]]},
  ];
  const MEAN = [["l-1", "use", "mean", s => s.wait50_ms]]; // all that is known without the page's Hooks
  const nice = x => { const p = 10 ** Math.floor(Math.log10(x)); return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find(m => m * p >= x) * p; };
  for (const c of CHARTS) {
    c.svg = svg("svg", {viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", role: "img"});
    c.bands = svg("g", {}); c.paths = svg("g", {});
    c.svg.append(c.bands);
    for (const y of [0.5, H / 2, H - .5]) c.svg.append(svg("line", {class: "grid", x1: 0, x2: W, y1: y, y2: y}));
    c.svg.append(c.paths);
    c.cursor = svg("line", {class: "cursor", y1: 0, y2: H});
    c.cursor.style.display = "none";
    c.svg.append(c.cursor);
    c.labels = [make("span"), make("span")];
    c.labels[0].style.top = "5px"; c.labels[1].style.top = "50%";
    const plot = $(c.id), axis = make("div", "axis");
    c.start = make("span");
    axis.append(c.start, make("span", "", "now"));
    plot.append(c.svg, ...c.labels);
    plot.after(axis);
    plot.addEventListener("pointermove", e => { const r = plot.getBoundingClientRect(); c.at = Math.min(1, (e.clientX - r.left) / (r.width - 46)); chart(c); });
    plot.addEventListener("pointerleave", () => { c.at = undefined; chart(c); });
  }
  function chart(c) {
    if (c.id === "c2" && !view.hooked) { c.lines = MEAN; c.top = s => s.wait50_ms; }
    const now = Date.parse(view.at), all = samples.length ? now - samples[0].t : 0;
    const span = Math.max(SHORTEST, Math.min(LONGEST, Math.ceil(all / STEP) * STEP)); // it grows, in steps: a scale that creeps is no scale
    const x = s => ((s.t - now) / span + 1) * W, list = samples.filter(s => s.t > now - span - 5000);
    const most = Math.max(c.least, ...list.map(c.top)), top = c.areas.length && most < 50 ? 2 * Math.ceil(most / 2) : nice(most * 1.04), y = n => H - n / top * H;
    put(c.labels[0], c.unit(top)); put(c.labels[1], c.unit(top / 2)); put(c.start, length(span) + " ago");
    c.paths.textContent = ""; c.bands.textContent = "";
    let from = null;
    for (let i = 0; i <= list.length; i++) {
      const out = i < list.length && (list[i].state === "down" || list[i].state === "retrying");
      if (out && from === null) from = x(list[i]);
      if (!out && from !== null) { const to = i < list.length ? x(list[i]) : W; c.bands.append(svg("rect", {class: "band", x: from, width: Math.max(2, to - from), y: 0, height: H})); from = null; }
    }
    if (list.length) {
      const base = list.map(() => 0), step = (points) => points.map((p, i) => (i ? "L" : "M") + p[0].toFixed(1) + " " + p[1].toFixed(2)).join("");
      for (const [cls, , , get] of c.areas) {
        const up = list.map((s, i) => [x(s), y(base[i] + get(s))]), down = list.map((s, i) => [x(s), y(base[i])]).reverse();
        list.forEach((s, i) => { base[i] += get(s); });
        c.paths.append(svg("path", {class: cls, d: step(up) + "L" + step(down).slice(1) + "Z"}));
      }
      if (c.limit) c.paths.append(svg("path", {class: "limit", d: step(list.map(s => [x(s), Math.max(.8, y(c.limit(s)))]))}));
      for (const [cls, , name, get] of c.lines) if (name !== "waiting" || list.some(get)) c.paths.append(svg("path", {class: cls, d: step(list.map(s => [x(s), Math.max(1, Math.min(H - 1, y(get(s))))]))}));
    }
    let s = list[list.length - 1], when = "";
    if (c.at !== undefined && list.length) {
      s = list.reduce((a, b) => Math.abs(x(b) - c.at * W) < Math.abs(x(a) - c.at * W) ? b : a);
      c.cursor.setAttribute("x1", x(s)); c.cursor.setAttribute("x2", x(s));
      when = clock(s.at);
    }
    c.cursor.style.display = when ? "" : "none";
    const read = $(c.id + "-read");
    read.textContent = when;
    if (s) for (const [, hue, name, get] of [...c.areas, ...c.lines]) {
      if (name === "dialing" && !get(s)) continue; // seldom, and there is little room
      const k = make("span", "key"), i = make("i");
      i.style.setProperty("--hue", "var(--" + hue + ")");
      k.append(i, name + " " + (c.id === "c2" && !s.loans ? "–" : c.unit(get(s)))); // without a loan there was no wait
      read.append(k);
    }
    c.svg.setAttribute("aria-label", s ? read.textContent : "no samples yet");
  }

  // Holders.
  let allHolders = false;
  function holders(v) {
    const news = v.holders.filter(h => h.held_ms >= CALM || h.leaked), young = v.holders.length - news.length;
    const shown = allHolders ? news : news.slice(0, 8);
    put($("holders-sum"), v.holders.length ? plural(v.holders.length, "loan") + " out" + (young ? ", " + young + " of them under " + CALM + " ms" : "") : "");
    put($("holders-empty"), v.holders.length === 0 ? "No connection is lent." : news.length === 0 ? "None has been lent for " + CALM + " ms." : "");
    $("holders-empty").hidden = news.length > 0;
    more($("holders-more"), news.length - shown.length, allHolders);
    keyed($("holders"), shown, h => h.conn, holder, (e, h) => {
      e.holder = h;
      e.className = h.leaked ? "leaked" : "";
      put(e.held, length(h.held_ms)); put(e.conn, "connection " + h.conn);
      put(e.doing, h.activity ? (h.activity === "running" ? "running" : h.activity + (h.idle_ms >= 1000 ? " for " + length(h.idle_ms) : "")) : ""); e.doing.hidden = !h.activity;
      e.doing.className = "tag" + (h.activity === "running" ? " blue" : "");
      put(e.pid, h.pid ? "pid " + h.pid : ""); e.pid.hidden = !h.pid; e.pid.title = backend(h);
      put(e.broken, h.broken ? "broken: " + h.broken : ""); e.broken.hidden = !h.broken;
      e.leak.hidden = !h.leaked; e.tx.hidden = !h.in_transaction;
      put(e.stmt, h.statement || ""); e.stmt.hidden = !h.statement;
      const top = h.stack && h.stack[0];
      put(e.where, top ? shortFunc(top.function) + " · " + shortFile(top.file) + ":" + top.line : h.origin || "");
      e.more.hidden = !h.stack;
      const text = h.stack ? h.stack.map(f => f.function + "\t" + f.file + ":" + f.line).join("\n") : "";
      if (e.stackText !== text) {
        e.stackText = text; e.stack.textContent = "";
        for (const f of h.stack || []) { const d = make("div", "", f.function); d.append(make("small", "", f.file + ":" + f.line)); e.stack.append(d); }
      }
    });
  }
  function holder() {
    const li = make("li"), held = make("div", "held"), body = make("div", "body"), copy = make("button", "copy", "Copy");
    li.held = make("span"); li.conn = make("small");
    held.append(li.held, li.conn);
    li.leak = make("span", "tag red", "held too long"); li.tx = make("span", "tag blue", "in a transaction");
    li.broken = make("span", "tag red"); li.doing = make("span", "tag"); li.pid = make("span", "tag");
    li.stmt = make("code", "stmt"); li.where = make("span", "where");
    li.more = make("details"); li.stack = make("div", "stack mono");
    li.stack.tabIndex = 0;
    li.more.append(make("summary", "", "Stack"), li.stack);
    li.more.addEventListener("toggle", () => body.classList.toggle("open", li.more.open));
    body.append(li.leak, li.broken, li.doing, li.tx, li.pid, li.stmt, li.where, li.more);
    copy.type = "button";
    copy.addEventListener("click", () => copied(copy, report(li.holder)));
    li.append(held, body, copy);
    return li;
  }
  const report = h => ["pool " + view.pool + ": connection " + h.conn + " held for " + length(h.held_ms) + (h.leaked ? ", too long" : "") + (h.broken ? ", broken: " + h.broken : "") + (h.activity ? ", " + h.activity : "") + (h.in_transaction ? ", in a transaction" : ""),
    backend(h),
    h.statement ? "last statement: " + h.statement : "", ...(h.stack || []).map(f => f.function + "\n\t" + f.file + ":" + f.line)].filter(Boolean).join("\n");
  async function copied(button, text) {
    let ok = true;
    try { await navigator.clipboard.writeText(text); } catch { // not on a page without TLS
      const area = make("textarea"); area.value = text; document.body.append(area); area.select();
      ok = document.execCommand("copy"); area.remove(); button.focus();
    }
    put(button, ok ? "Copied" : "Not copied");
    setTimeout(() => put(button, "Copy"), 1500);
  }
  function more(button, n, all) { button.hidden = n <= 0 && !all; put(button, all ? "Show fewer" : "Show " + plural(n, "more", "more")); }
  $("holders-more").addEventListener("click", () => { allHolders = !allHolders; holders(view); });

  // Closes, events, configuration.
  const ALARM = new Set(["broken", "dead", "dirty", "forced", "abandoned", "pinned", "hook_panic"]);
  function closes(v) {
    const most = Math.max(1, ...v.closes.map(c => c.count));
    $("closes-card").hidden = v.closes.length === 0;
    $("holders-card").classList.toggle("alone", v.closes.length === 0);
    put($("closes-sum"), number(v.counters.closes) + " in all");
    keyed($("closes"), v.closes, c => c.reason, c => {
      const li = make("li"), bar = make("div", "bar");
      bar.append(make("i")); li.append(make("span", "", c.reason.replace(/_/g, " ")), make("b"), bar);
      if (ALARM.has(c.reason)) li.className = "alarm";
      return li;
    }, (e, c) => { put(e.children[1], number(c.count)); e.lastChild.firstChild.style.width = c.count / most * 100 + "%"; });
  }
  // The fleet: who has how much of the shared limit, and who has asked for more.
  function fleet(v) {
    const f = v.fleet;
    $("fleet-card").hidden = !f;
    if (!f) return;
    put($("fleet-sum"), f.group + ": " + plural(f.members.length, "process", "processes") + ", " + number(Math.max(0, f.free)) + " of " + number(f.limit) + " connections free");
    keyed($("fleet"), f.members, m => m.id, () => {
      const li = make("li"), bar = make("div", "bar");
      bar.append(make("i")); li.append(make("span"), make("b"), bar);
      return li;
    }, (e, m) => {
      e.className = m.want > m.share ? "alarm" : "";
      put(e.children[0], m.id.toString(16).padStart(8, "0") + (m.self ? ", this pool" : "") + ": " + number(m.open) + " open" + (m.want > m.share ? ", wants " + number(m.want) : ""));
      put(e.children[1], number(m.share));
      e.lastChild.firstChild.style.width = m.share / f.limit * 100 + "%";
    });
  }
  const KINDS = {state: "Pool", dial_failed: "Dial failed", opened: "Opened", closed: "Closed", generation: "Suspicion", refused: "Refused", leak: "Leak", control: "Control"};
  let allEvents = false;
  function events(v) {
    const shown = allEvents ? v.events : v.events.slice(0, 14);
    $("events-empty").hidden = v.events.length > 0;
    more($("events-more"), v.events.length - shown.length, allEvents);
    keyed($("events"), shown, e => e.at + e.kind + e.text + (e.count > 1 ? "" : e.conn), () => {
      const li = make("li"), p = make("p");
      p.append(make("b"), make("span", "n"), make("span", "more-text"));
      li.append(make("i"), make("time"), p);
      return li;
    }, (el, e) => {
      el.className = "e-" + e.kind; el.dataset.level = e.level || "";
      put(el.children[1], clock(e.at)); el.children[1].dateTime = e.at;
      const p = el.lastChild, many = e.count > 1;
      put(p.children[0], KINDS[e.kind] || e.kind);
      put(p.children[1], (many ? " ×" + number(e.count) : "") + (e.conn && !many ? " connection " + e.conn : "") + (many && clock(e.last) !== clock(e.at) ? ", until " + clock(e.last) : ""));
      put(p.children[2], e.text ? " · " + e.text : "");
    });
  }
  function config(v) {
    const set = v.config.filter(s => s.source !== "default"), usual = v.config.filter(s => s.source === "default");
    const row = () => { const tr = make("tr"); tr.append(make("td"), make("td"), make("td")); return tr; };
    const fill = (tr, s) => { put(tr.children[0], s.name); put(tr.children[1], s.value); put(tr.children[2], s.source); };
    keyed($("config").tBodies[0], set, s => s.name, row, fill);
    keyed($("defaults").tBodies[0], usual, s => s.name, row, fill);
    put($("defaults-sum"), plural(usual.length, "setting") + " as by default");
    keyed($("advice"), v.advice, a => a, a => make("li", "", a), () => {});
  }

  // Controls. Those that cannot be undone ask a second time.
  function controls(v) {
    $("controls-card").hidden = !v.controls; $("controls-off").hidden = v.controls;
    put($("pause"), v.paused ? "Resume" : "Pause");
    const form = $("resize").elements;
    if (!$("resize").contains(document.activeElement)) { form.max.value = v.gauges.max_conns; form.min.value = v.gauges.min_idle; }
  }
  async function send(command) {
    let answer;
    try {
      const r = await fetch(location.pathname, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(command)});
      answer = await r.json();
    } catch (e) { answer = {ok: false, message: "the program did not answer: " + e.message}; }
    put($("said"), answer.message);
    $("said").classList.toggle("bad", !answer.ok);
    refresh();
  }
  function sure(button, then) {
    if (button.dataset.sure) { clearTimeout(button.timer); calm(button); then(); return; }
    button.dataset.sure = button.textContent;
    put(button, "Sure?"); button.classList.add("sure");
    button.timer = setTimeout(() => calm(button), 4000);
  }
  function calm(button) { put(button, button.dataset.sure); delete button.dataset.sure; button.classList.remove("sure"); }
  $("pause").addEventListener("click", () => send({do: view.paused ? "resume" : "pause"}));
  $("recycle").addEventListener("submit", e => { e.preventDefault(); sure(e.target.querySelector("button"), () => send({do: "recycle", seconds: Number(e.target.elements.seconds.value)})); });
  $("resize").addEventListener("submit", e => { e.preventDefault(); sure(e.target.querySelector("button"), () => send({do: "resize", max_conns: Number(e.target.elements.max.value), min_idle: Number(e.target.elements.min.value)})); });

  // News, once a second, while the page is visible.
  let view = JSON.parse($("state").textContent), samples = [], live = true, timer = 0, asking = null;
  function take(v) {
    if (v.counters.created_at !== view.counters.created_at) samples = []; // another pool, with another count
    for (const s of v.samples) s.t = Date.parse(s.at);
    samples = samples.concat(v.samples).slice(-400);
    view = v;
    banner(v); cells(v); latency(v); CHARTS.forEach(chart); holders(v); closes(v); fleet(v); events(v); config(v); controls(v);
    const c = v.counters;
    put($("foot"), plural(c.acquires, "acquire") + ", " + plural(c.waits, "wait") + ", " + plural(c.timeouts, "timeout") + ", " + plural(c.dials, "dial") + " (" + number(c.dial_errors) +
      " failed), generation " + c.generation + " · opened " + new Date(c.created_at).toLocaleString("en-GB"));
    const p = v.process;
    put($("process"), "Process " + p.pid + (p.host ? " on " + p.host : "") + (p.program ? ", " + p.program : "") + (p.version ? " " + p.version : "") + (p.pool_version ? ", sqlpool " + p.pool_version : "") + ", " + p.go);
  }
  async function refresh() {
    clearTimeout(timer);
    if (asking) return;
    const mine = asking = new AbortController(), limit = setTimeout(() => mine.abort(), 5000);
    try {
      const last = samples.length ? samples[samples.length - 1].seq : 0;
      const r = await fetch("?format=json&since=" + last, {signal: mine.signal, headers: {Accept: "application/json"}});
      if (!r.ok) throw new Error(r.status);
      take(await r.json());
      lost(false);
    } catch { if (!document.hidden) lost(true); } finally {
      clearTimeout(limit);
      asking = null;
      later();
    }
  }
  function later() { clearTimeout(timer); if (live && !document.hidden) timer = setTimeout(refresh, EVERY); }
  let quiet = null;
  function lost(yes) {
    quiet = yes ? quiet || new Date() : null;
    document.body.classList.toggle("stale", yes);
    $("live").classList.toggle("lost", yes);
    put($("live-text"), yes ? "no answer since " + clock(quiet) : live ? "live" : "stopped");
  }
  function toggle() { live = !live; $("live").setAttribute("aria-pressed", String(live)); put($("live-text"), live ? "live" : "stopped"); if (live) refresh(); else clearTimeout(timer); }
  $("live").addEventListener("click", toggle);
  document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else if (live) refresh(); });

  // Light or dark: as the system is, unless one was chosen.
  const dark = matchMedia("(prefers-color-scheme: dark)"), THEMES = ["auto", "light", "dark"];
  let theme = "auto";
  try { theme = localStorage.getItem("sqlpool-theme") || "auto"; } catch { /* private window */ }
  function paint() {
    document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    put($("theme-text"), theme);
  }
  function nextTheme() { theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]; try { localStorage.setItem("sqlpool-theme", theme); } catch { /* not kept */ } paint(); }
  dark.addEventListener("change", paint);
  $("theme").addEventListener("click", nextTheme);
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea")) return;
    const act = {l: toggle, r: refresh, t: nextTheme}[e.key.toLowerCase()];
    if (act) act();
  });

  paint();
  take(view);
  later();
})();
