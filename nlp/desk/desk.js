"use strict";
// The desk. Texts are only ever put into the page as text nodes, never as markup.

const OPEN_CASES = ["allegation", "proceeding"];
const ACCUSING = ["allegation", "proceeding", "sanctioned"];
const STATUSES = ["alleged", "in_process", "sanctioned", "cleared", "lawful", "victim"];
const ROLES = ["overseer", "reporter", "beneficiary", "superior", "speaker", "other"];
const FILE_LIMIT = 1500000;
const CHUNK = 8;
const CONTROL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const state = {
  language: localStorage.getItem("language") || "id",
  key: sessionStorage.getItem("key") || "",
  model: null,
  one: null, // {input, record}
  rows: [], // [{input, record}]
  dead: [],
  sort: { column: "number", down: false },
  from: null, // the table's row that is shown alone
};

const $ = (id) => document.getElementById(id);

function word(name, values = {}) {
  const text = WORDS[state.language][name];
  return typeof text === "string" ? text.replace(/\{(\w+)\}/g, (_, k) => String(values[k] ?? "")) : text;
}

function display(code) {
  if (!code) return "";
  if (state.language === "id") return state.model?.display?.[code] ?? code;
  return ENGLISH[code] ?? code.replaceAll("_", " ");
}

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c != null));
  return node;
}

function percent(score) {
  return `${Math.round(score * 100)} %`;
}

function confidence(score) {
  const words = word("sure");
  return words[score < 0.5 ? 0 : score < 0.7 ? 1 : score < 0.85 ? 2 : score < 0.95 ? 3 : 4];
}

// --- talking to the service -----------------------------------------------------------------------------------------

class Problem extends Error {}

async function call(path, body, tries = 6) {
  const headers = { "content-type": "application/json" };
  if (state.key) headers.authorization = `Bearer ${state.key}`;
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    throw new Problem(word("gone"));
  }
  if (answer.status === 401) {
    $("key").hidden = false;
    if (askKey()) return call(path, body, tries);
  }
  if ((answer.status === 429 || answer.status === 503) && tries > 1) {
    await new Promise((done) => setTimeout(done, 1000 * Number(answer.headers.get("retry-after") || 1)));
    return call(path, body, tries - 1);
  }
  if (answer.status === 429 || answer.status === 503) throw new Problem(word("busy"));
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(word("refused", { message: content?.error?.message ?? answer.status }));
  return content;
}

function askKey() {
  const given = window.prompt(word("keyAsk"), "");
  if (!given) return false;
  state.key = given.trim();
  sessionStorage.setItem("key", state.key);
  return true;
}

function notice(text, kind = "error") {
  const place = $("notice");
  place.textContent = text;
  place.className = kind;
  place.hidden = !text;
}

async function loadModel() {
  try {
    state.model = await call("/v1/model");
    notice("");
  } catch (problem) {
    notice(problem.message);
  }
  draw();
}

// --- a text with its marks ------------------------------------------------------------------------------------------

function joined(input) {
  // As the service joins them; offsets count code points of this.
  const { title, text } = input;
  return title && !text.startsWith(title) ? `${title}\n\n${text}` : text;
}

function plain(text) {
  // Marks that turn the direction of a text could show it as something else; they are shown as what they are.
  const out = document.createDocumentFragment();
  let kept = "";
  for (const character of text) {
    if (!CONTROL.test(character)) {
      kept += character;
      continue;
    }
    out.append(kept);
    kept = "";
    const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    out.append(make("span", { class: "control", title: word("control") }, `U+${code}`));
  }
  out.append(kept);
  return out;
}

function marked(input, record) {
  const characters = Array.from(joined(input));
  const spans = [
    ...record.ignored.map(([start, end]) => ({ start, end, kind: "ignored" })),
    ...record.evidence.map(({ start, end }) => ({ start, end, kind: "evidence" })),
    ...record.officials.flatMap((o, n) => o.mentions.map(([start, end]) => ({ start, end, kind: "person", n }))),
    ...record.regions.flatMap((r, n) => r.mentions.map(([start, end]) => ({ start, end, kind: "region", n }))),
  ];
  const borders = [...new Set([0, characters.length, ...spans.flatMap((s) => [s.start, s.end])])].sort((a, b) => a - b);
  const pane = make("div", { class: "text", id: "pane", tabindex: "0", role: "region", "aria-label": word("theText") });
  for (let i = 0; i + 1 < borders.length; i++) {
    const [start, end] = [borders[i], borders[i + 1]];
    const piece = plain(characters.slice(start, end).join(""));
    const here = spans.filter((s) => s.start <= start && end <= s.end);
    if (!here.length) {
      pane.append(piece);
      continue;
    }
    const evidence = here.some((s) => s.kind === "evidence");
    const node = make(evidence ? "mark" : "span", { class: here.map((s) => s.kind).join(" ") }, piece);
    for (const s of here) if ("n" in s) node.dataset[s.kind] = String(s.n);
    pane.append(node);
  }
  return pane;
}

function link(row, kind, n) {
  // Pointing at a row, or focusing it, shows its places in the text.
  const show = (on) => {
    for (const node of document.querySelectorAll(`#pane [data-${kind}="${n}"]`)) node.classList.toggle("shown", on);
  };
  const jump = () => document.querySelector(`#pane [data-${kind}="${n}"]`)?.scrollIntoView({ block: "center" });
  row.tabIndex = 0;
  row.addEventListener("mouseenter", () => show(true));
  row.addEventListener("mouseleave", () => show(false));
  row.addEventListener("focus", () => show(true));
  row.addEventListener("blur", () => show(false));
  row.addEventListener("click", jump);
  row.addEventListener("keydown", (event) => event.key === "Enter" && event.target === row && jump());
  return row;
}

function table(headings, rows) {
  const head = make("thead", {}, make("tr", {}, ...headings.map((h) => make("th", { scope: "col" }, h))));
  return make("div", { class: "scroll" }, make("table", {}, head, make("tbody", {}, ...rows)));
}

function isolated(text) {
  return make("bdi", {}, plain(text ?? ""));
}

function roleText(official) {
  return display(official.role) + (official.status ? ` – ${display(official.status)}` : "");
}

// --- one text -------------------------------------------------------------------------------------------------------

function verdict(record) {
  const { name, score, abstained } = record.label;
  const kind = abstained ? "unsure" : ACCUSING.includes(name) ? "case" : "clear";
  const box = make("div", { class: `verdict ${kind}` });
  box.append(make("h2", { id: "label" }, display(name)));
  const badges = make("p", { class: "badges" });
  if (OPEN_CASES.includes(name)) badges.append(make("span", { class: "badge", id: "unverified" }, word("unverified")));
  badges.append(make("span", {}, `${word("confidence")}: ${percent(score)} (${confidence(score)})`));
  box.append(badges);
  if (abstained) box.append(make("p", { class: "warn" }, word("abstained")));
  for (const c of record.corrections) {
    const names = (value) => value.split(/[:,]/).filter(Boolean).map(display).join(" – ") || word("none");
    const values = { by: c.by, at: c.at.slice(0, 10), old: names(c.old), new: names(c.new), reason: c.reason };
    box.append(make("p", { class: "corrected" }, plain(word("corrected", values))));
  }
  const others = Object.entries(record.scores).filter(([l]) => l !== name);
  others.sort((a, b) => b[1] - a[1]);
  const list = make("ul", { id: "nearly" });
  for (const [l, s] of others.slice(0, 3)) {
    list.append(make("li", {}, make("meter", { min: 0, max: 1, value: s }), ` ${display(l)} ${percent(s)}`));
  }
  box.append(make("h3", {}, word("nearly")), list);
  return box;
}

function details(record) {
  const list = make("dl", {});
  const add = (name, values) => {
    list.append(make("dt", {}, word(name)), make("dd", {}, values.filter(Boolean).join("; ") || word("none")));
  };
  add("form", record.forms.map((f) => `${display(f.name)} (${percent(f.score)})`));
  add("group", record.subject_groups.map(display));
  add("flag", record.flags.map(display));
  add("election", [...record.election.type.map(display), record.election.year && String(record.election.year)]);
  return list;
}

function officials(record) {
  if (!record.officials.length) return make("p", {}, word("noOfficials"));
  const rows = record.officials.map((o, n) => {
    const cells = [isolated(o.name), isolated(o.office), isolated(o.agency), roleText(o)];
    return link(make("tr", {}, ...cells.map((c) => make("td", {}, c))), "person", n);
  });
  const box = table(["name", "office", "agency", "role"].map((h) => word(h)), rows);
  box.id = "officials";
  return box;
}

function regions(record) {
  if (!record.regions.length) return make("p", {}, word("noRegions"));
  const rows = record.regions.map((r, n) => {
    const mark = r.primary ? make("span", { class: "badge" }, word("primary")) : "";
    return link(make("tr", {}, make("td", {}, r.name, " ", mark), make("td", {}, r.code)), "region", n);
  });
  const box = table([word("region"), word("code")], rows);
  box.id = "regions";
  return box;
}

function options(select, values, names = display) {
  select.replaceChildren(...values.map((v) => make("option", { value: v }, names(v))));
  return select;
}

function correctionForm(entry) {
  const { input, record } = entry;
  const labels = Object.keys(record.scores);
  const roles = [...STATUSES.map((s) => `subject:${s}`), ...ROLES];
  const what = make("select", { id: "what" });
  what.append(make("option", { value: "label" }, word("label")));
  record.officials.forEach((o, n) => {
    what.append(make("option", { value: String(n) }, word("roleOf", { name: o.name })));
  });
  const to = make("select", { id: "to" });
  const names = (v) => v.split(":").map(display).join(" – ");
  const fill = () => options(to, what.value === "label" ? labels : roles, names);
  what.addEventListener("change", fill);
  fill();
  const by = make("input", { id: "by", required: true, maxlength: 100, autocomplete: "name" });
  by.value = localStorage.getItem("by") || "";
  const reason = make("input", { id: "reason", required: true, maxlength: 2000, autocomplete: "off" });
  const field = (name, node) => make("div", {}, make("label", { for: node.id }, word(name)), node);
  const form = make("form", { id: "correction" }, make("p", { class: "hint" }, word("correctHint")));
  form.append(field("what", what), field("to", to), field("by", by), field("reason", reason));
  form.append(make("button", { type: "submit" }, word("submit")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    localStorage.setItem("by", by.value);
    const person = what.value === "label" ? null : record.officials[Number(what.value)].mentions[0];
    const body = { text: input, field: person ? "role" : "label", person, new: to.value };
    try {
      entry.record = await call("/v1/corrections", { ...body, by: by.value, reason: reason.value });
      drawOne();
      drawMany();
      notice(word("noted"), "good");
    } catch (problem) {
      notice(problem.message);
    }
  });
  return make("details", {}, make("summary", {}, word("correct")), form);
}

function drawOne() {
  const place = $("result");
  const entry = state.one;
  place.hidden = !entry;
  $("empty").hidden = Boolean(entry);
  if (!entry) return;
  const { input, record } = entry;
  const back = make("button", { type: "button", class: "quiet", onclick: () => show("many") }, `← ${word("back")}`);
  const legend = make(
    "p",
    { class: "legend" },
    make("mark", { class: "evidence" }, word("evidence")),
    " ",
    make("span", { class: "ignored" }, word("ignored")),
    " ",
    make("span", { class: "person" }, word("person")),
  );
  place.replaceChildren();
  if (state.from) place.append(back);
  place.append(verdict(record));
  place.append(make("h3", {}, word("theText")), legend, marked(input, record));
  place.append(make("h3", {}, word("officials")), officials(record));
  place.append(make("h3", {}, word("regions")), regions(record));
  place.append(make("h3", {}, word("details")), details(record));
  if (state.model?.corrections) place.append(correctionForm(entry));
}

async function tagOne(event) {
  event?.preventDefault();
  const input = { text: $("text").value };
  if ($("title").value.trim()) input.title = $("title").value.trim();
  if ($("date").value) input.date = $("date").value;
  const button = $("tag");
  button.disabled = true;
  button.textContent = word("tagging");
  try {
    state.one = { input, record: await call("/v1/tag", input) };
    state.from = null;
    notice("");
    drawOne();
    $("result").focus();
  } catch (problem) {
    notice(problem.message);
  } finally {
    button.disabled = false;
    button.textContent = word("tag");
  }
}

// --- many texts -----------------------------------------------------------------------------------------------------

async function readFile(file) {
  if (!file) return;
  if (file.size > FILE_LIMIT) {
    notice(word("tooLarge"));
    return;
  }
  const content = await file.text();
  if (file.name.toLowerCase().endsWith(".txt")) {
    show("one");
    $("text").value = content;
    $("title").value = "";
    await tagOne();
    return;
  }
  let feed;
  try {
    feed = await call("/v1/read", { name: file.name, content });
  } catch (problem) {
    notice(word("badFile", { message: problem.message }));
    return;
  }
  state.rows = [];
  state.dead = feed.rows.filter((r) => r.error);
  state.from = null;
  show("many");
  const good = feed.rows.filter((r) => r.text);
  try {
    for (let i = 0; i < good.length; i += CHUNK) {
      const part = good.slice(i, i + CHUNK);
      const { results } = await call("/v1/tag", { texts: part.map((r) => r.text) });
      results.forEach((result, n) => {
        const { line, text } = part[n];
        if (result.record) state.rows.push({ number: state.rows.length + 1, line, input: text, record: result.record });
        else state.dead.push({ line, error: result.error.message });
      });
      $("progress").textContent = word("progress", { done: Math.min(i + CHUNK, good.length), all: good.length });
      drawMany();
    }
    $("progress").textContent = word("finished", { n: state.rows.length });
    notice("");
  } catch (problem) {
    notice(problem.message);
  }
}

function needsReview(record) {
  return record.label.abstained || record.officials.some((o) => o.role === "uncertain");
}

function primaryOf(record) {
  return record.regions.find((r) => r.primary)?.name ?? "";
}

const COLUMNS = {
  number: (r) => r.number,
  article: (r) => r.input.title || r.input.id || joined(r.input).trim().slice(0, 70),
  label: (r) => display(r.record.label.name),
  score: (r) => r.record.label.score,
  form: (r) => r.record.forms.map((f) => display(f.name)).join("; "),
  region: (r) => primaryOf(r.record),
  people: (r) => r.record.officials.map((o) => `${o.name} (${roleText(o)})`).join("; "),
  state: (r) => (needsReview(r.record) ? word("needsReview") : word("ok")),
};

function chosen() {
  const find = $("find").value.trim().toLowerCase();
  const rows = state.rows.filter(({ input, record }) => {
    if ($("review").checked && !needsReview(record)) return false;
    if ($("by-label").value && record.label.name !== $("by-label").value) return false;
    if ($("by-form").value && !record.forms.some((f) => f.name === $("by-form").value)) return false;
    if ($("by-region").value && primaryOf(record) !== $("by-region").value) return false;
    return !find || joined(input).toLowerCase().includes(find);
  });
  const { column, down } = state.sort;
  const value = COLUMNS[column];
  const order = (a, b) =>
    typeof value(a) === "number" ? value(a) - value(b) : String(value(a)).localeCompare(String(value(b)), "id");
  rows.sort((a, b) => (down ? -1 : 1) * order(a, b) || a.number - b.number);
  return rows;
}

function counts() {
  const tally = (values) => {
    const n = new Map();
    for (const v of values.filter(Boolean)) n.set(v, (n.get(v) ?? 0) + 1);
    return [...n].sort((a, b) => b[1] - a[1]);
  };
  const block = (name, entries, names) =>
    make(
      "div",
      {},
      make("h3", {}, word(name)),
      make("ul", {}, ...entries.slice(0, 8).map(([v, n]) => make("li", {}, `${names(v)}: ${n}`))),
    );
  const records = state.rows.map((r) => r.record);
  const waiting = records.filter(needsReview).length;
  $("counts").replaceChildren();
  if (!records.length) return;
  $("counts").append(
    make("h2", {}, word("countsTitle", { n: records.length })),
    make("p", { class: "hint" }, word("countsNote")),
    make("p", {}, word("queue", { n: waiting }), ` (${word("reviewHint")})`),
    make(
      "div",
      { class: "tallies" },
      block("label", tally(records.map((r) => r.label.name)), display),
      block("form", tally(records.flatMap((r) => r.forms.map((f) => f.name))), display),
      block("region", tally(records.map(primaryOf)), String),
    ),
  );
}

function fillFilter(id, values, names) {
  const select = $(id);
  const kept = select.value;
  const all = make("option", { value: "" }, word("all"));
  const sorted = [...new Set(values)].filter(Boolean).sort();
  select.replaceChildren(all, ...sorted.map((v) => make("option", { value: v }, names(v))));
  select.value = sorted.includes(kept) ? kept : "";
}

function drawMany() {
  const any = state.rows.length > 0;
  $("many-empty").hidden = any || state.dead.length > 0;
  $("filters").hidden = !any;
  const records = state.rows.map((r) => r.record);
  fillFilter("by-label", records.map((r) => r.label.name), display);
  fillFilter("by-form", records.flatMap((r) => r.forms.map((f) => f.name)), display);
  fillFilter("by-region", records.map(primaryOf), String);
  counts();
  drawTable();
  const dead = $("dead");
  dead.replaceChildren();
  if (state.dead.length) {
    dead.append(make("h3", {}, word("dead", { n: state.dead.length })));
    dead.append(make("ul", {}, ...state.dead.map((d) => make("li", {}, `${word("line")} ${d.line}: `, isolated(d.error)))));
  }
}

function drawTable() {
  const place = $("table");
  place.replaceChildren();
  if (!state.rows.length) return;
  const rows = chosen();
  const { column, down } = state.sort;
  const head = make("tr", {});
  for (const name of Object.keys(COLUMNS)) {
    const now = name === column;
    const text = `${name === "number" ? "#" : word(name)}${now ? (down ? " ▼" : " ▲") : ""}`;
    const turn = () => {
      state.sort = { column: name, down: now && !down };
      drawTable();
      document.querySelector(`[data-column="${name}"]`).focus();
    };
    const button = make("button", { type: "button", class: "sort", "data-column": name, onclick: turn }, text);
    head.append(make("th", { scope: "col", "aria-sort": now ? (down ? "descending" : "ascending") : "none" }, button));
  }
  const body = rows.map((row) => {
    const line = make("tr", { class: needsReview(row.record) ? "waiting" : "" });
    for (const [name, value] of Object.entries(COLUMNS)) {
      const content = value(row);
      const open = () => {
        state.one = row;
        state.from = row;
        show("one");
        drawOne();
        $("result").focus();
      };
      const cell =
        name === "article"
          ? make("button", { type: "button", class: "open", onclick: open }, isolated(content))
          : name === "score"
            ? percent(content)
            : isolated(String(content));
      line.append(make("td", {}, cell));
    }
    return line;
  });
  const caption = make("caption", { id: "showing" }, word("showing", { n: rows.length }));
  place.append(make("table", { class: "records" }, caption, make("thead", {}, head), make("tbody", {}, ...body)));
}

function saveRecords() {
  const lines = chosen().map((r) => JSON.stringify(r.record));
  const address = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "application/x-ndjson" }));
  make("a", { href: address, download: "records.jsonl" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// --- the page -------------------------------------------------------------------------------------------------------

function show(which) {
  $("one").hidden = which !== "one";
  $("many").hidden = which !== "many";
  $("tab-one").setAttribute("aria-pressed", String(which === "one"));
  $("tab-many").setAttribute("aria-pressed", String(which === "many"));
}

function draw() {
  document.documentElement.lang = state.language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  const other = state.language === "id" ? ["English", "en"] : ["Bahasa Indonesia", "id"];
  $("language").textContent = other[0];
  $("language").lang = other[1];
  $("model").textContent = state.model ? `${state.model.model} · ${state.model.package}` : "";
  drawOne();
  drawMany();
}

function start() {
  $("form").addEventListener("submit", tagOne);
  $("tab-one").addEventListener("click", () => {
    state.from = null;
    show("one");
    drawOne();
  });
  $("tab-many").addEventListener("click", () => show("many"));
  $("language").addEventListener("click", () => {
    state.language = state.language === "id" ? "en" : "id";
    localStorage.setItem("language", state.language);
    draw();
  });
  $("key").addEventListener("click", () => askKey() && loadModel());
  $("file").addEventListener("change", (event) => {
    readFile(event.target.files[0]);
    event.target.value = "";
  });
  for (const id of ["find", "by-label", "by-form", "by-region", "review"]) $(id).addEventListener("input", drawTable);
  $("save").addEventListener("click", saveRecords);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    readFile(event.dataTransfer.files[0]);
  });
  draw();
  loadModel();
}

start();
