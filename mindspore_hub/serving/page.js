// The page of `mshub serve`: a query goes to /search, and its nearest pictures are shown.

const find = (id) => document.getElementById(id);
const drop = find("drop");
const list = find("list");
const status = find("status");

let facts = null; // what GET /gallery said
let query = null; // {blob, name} or {id, name}
let turn = 0; // of the newest search: answers to earlier ones are not shown
let shown = []; // addresses of pictures in memory

// Asking the server

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    await askForToken(token ? "The server does not take this token." : "");
    return ask(path, options);
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.error || `The server answered ${answer.status}.`);
  }
  return answer;
}

let asking = null;

function askForToken(error) {
  asking ??= new Promise((done) => {
    const dialog = find("ask");
    find("ask-error").textContent = error;
    find("token").value = "";
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.onclose = () => {
      sessionStorage.setItem("token", find("token").value.trim());
      asking = null;
      done();
    };
    dialog.showModal();
  });
  return asking;
}

async function show(image, id) {
  const path = `pictures/${id}`;
  if (!sessionStorage.getItem("token")) {
    image.src = path;
    return;
  }
  try {
    const address = URL.createObjectURL(await (await ask(path)).blob());
    shown.push(address);
    image.src = address;
  } catch {
    image.dispatchEvent(new Event("error"));
  }
}

// What is there

async function begin() {
  try {
    facts = await (await ask("gallery")).json();
  } catch (error) {
    say(error.message, "failed");
    return;
  }
  const gallery = facts.gallery;
  if (!gallery) {
    find("facts").textContent = `${facts.model}, without a gallery`;
    say("This server has no gallery to search; start it with --gallery.", "failed");
    return;
  }
  const count = new Intl.NumberFormat("en").format(gallery.count);
  const parts = [`${count} pictures`, `network ${facts.model}`, describeDistance()];
  if (facts.threshold !== null) parts.push(`a match is at most ${number(facts.threshold)}`);
  find("facts").textContent = parts.join(" · ");
  for (const camera of gallery.cameras) find("camera").add(new Option(`camera ${camera}`, camera));
  if (facts.pictures) offerSamples(gallery.examples);
}

function describeDistance() {
  const how = facts.distance === "euclidean" ? "squared Euclidean distance" : "negative inner product";
  return `${how}, lower is nearer`;
}

function offerSamples(ids) {
  for (const [place, id] of ids.entries()) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const image = document.createElement("img");
    button.type = "button";
    button.dataset.id = id;
    button.setAttribute("aria-pressed", "false");
    image.alt = `Sample ${place + 1}`;
    button.append(image);
    button.addEventListener("click", () => use({ id, name: `sample ${place + 1}` }));
    image.addEventListener("error", () => item.remove(), { once: true });
    show(image, id);
    item.append(button);
    find("sample-list").append(item);
  }
  find("samples").hidden = ids.length === 0;
}

// The query

function take(files) {
  const file = [...(files ?? [])].find((item) => item.type.startsWith("image/"));
  if (!file) {
    say("That is not a picture; give a file such as a JPEG or PNG.", "failed");
  } else if (facts && file.size > facts.limits.body) {
    say(`The picture has more than ${Math.floor(facts.limits.body / 2 ** 20)} MB; make it smaller.`, "failed");
  } else {
    use({ blob: file, name: file.name || "the pasted picture" });
  }
}

function use(wanted) {
  query = wanted;
  const preview = find("preview");
  if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  if (query.blob) preview.src = URL.createObjectURL(query.blob);
  else show(preview, query.id);
  preview.alt = `Query: ${query.name}`;
  preview.hidden = false;
  drop.classList.add("filled");
  find("asked").textContent = `Query: ${query.name}`;
  find("asked").hidden = false;
  for (const button of document.querySelectorAll("#sample-list button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.id) === query.id));
  }
  search({ fresh: true });
}

function filter() {
  const parts = [];
  const label = find("label").value.trim();
  if (find("camera").value !== "") parts.push(`camera = ${find("camera").value}`);
  if (/^-?[0-9]{1,18}$/.test(label)) parts.push(`label = ${label}`);
  return parts.join(" and ") || null;
}

async function search({ fresh }) {
  if (!query || !find("label").checkValidity()) return;
  const own = ++turn;
  const k = Number(find("count").value);
  const where = filter();
  find("results").classList.add("busy");
  find("results").setAttribute("aria-busy", "true");
  try {
    const answer = await (await send(k, where)).json();
    if (own !== turn) return;
    present(answer, where);
    if (fresh) reveal();
  } catch (error) {
    if (own === turn) {
      list.replaceChildren();
      say(error.message, "failed");
    }
  } finally {
    if (own === turn) {
      find("results").classList.remove("busy");
      find("results").removeAttribute("aria-busy");
    }
  }
}

function send(k, where) {
  if (query.id !== undefined) {
    const body = JSON.stringify({ ids: [query.id], k, where });
    return ask("search", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
  const options = new URLSearchParams(where ? { k, where } : { k });
  const headers = { "Content-Type": query.blob.type || "application/octet-stream" };
  return ask(`search?${options}`, { method: "POST", headers, body: query.blob });
}

// The results

function present(answer, where) {
  const result = answer.results[0];
  shown.forEach((address) => URL.revokeObjectURL(address));
  shown = [];
  if (result.error) {
    list.replaceChildren();
    say(result.error, "failed");
    return;
  }
  list.replaceChildren(...result.nearest.map(item));
  const count = result.nearest.length;
  const found = `${count} ${count === 1 ? "picture" : "pictures"}`;
  if (!count) say(where ? "No picture fits the filter." : "The gallery is empty.", "none");
  else if (result.no_match === null) say(`${found}, nearest first.`, "");
  else if (result.no_match) say(`✕ No match: even the nearest is further than ${number(answer.threshold)}.`, "none");
  else {
    const matches = result.nearest.filter((row) => row.match).length;
    say(`✓ ${matches} of ${found} ${matches === 1 ? "is a match" : "are matches"}.`, "match");
  }
}

function item(row, place) {
  const made = find("item").content.cloneNode(true).firstElementChild;
  const image = made.querySelector("img");
  const name = row.path ?? `row ${row.id}`;
  const part = (part_, text) => { made.querySelector(part_).textContent = text; };
  image.addEventListener("error", () => image.parentElement.classList.add("absent"), { once: true });
  if (facts.pictures) show(image, row.id);
  else image.parentElement.classList.add("absent");
  part(".rank", `${place + 1}`);
  part(".distance", row.distance.toPrecision(5).replace("-", "−"));
  part(".who", [row.label === null ? "" : `label ${row.label}`, row.camera === null ? "" : `camera ${row.camera}`].filter(Boolean).join(" · "));
  part(".path", row.path ?? "");
  made.querySelector(".distance").title = describeDistance();
  if (row.match !== undefined) {
    made.classList.add(row.match ? "is-match" : "is-far");
    part(".verdict", row.match ? "✓ match" : "✕ no match");
    made.querySelector(".verdict").hidden = false;
  }
  const button = made.querySelector(".use");
  const verdict = row.match === undefined ? "" : row.match ? ", a match" : ", no match";
  button.setAttribute("aria-label", `Use as query: rank ${place + 1}, ${name}, distance ${number(row.distance)}${verdict}`);
  button.addEventListener("click", () => {
    use({ id: row.id, name });
    find("results").focus();
  });
  return made;
}

function number(value) {
  return String(Number(value.toPrecision(5))).replace("-", "−");
}

// On a narrow screen, results begin below what is seen.
function reveal() {
  const results = find("results");
  if (results.getBoundingClientRect().top < window.innerHeight / 2) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  results.scrollIntoView({ behavior: still ? "auto" : "smooth" });
}

function say(text, kind) {
  find("empty").hidden = true;
  status.className = `status ${kind}`;
  status.textContent = text;
}

// What people do

find("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
find("filter").addEventListener("submit", (event) => event.preventDefault());
find("filter").addEventListener("change", () => search({ fresh: false }));

begin();
