// The image grid, the best and worst prompts, and the dialog that enlarges.
const dialog = document.getElementById("enlarged");
let enlarged = null;  // { title(column), caption, row, column }: row has a place (image or text) for each column

function imageOf(place, alt) {
  const image = page.images[place];
  const shown = element("img", { alt, width: image.width, height: image.height });
  if (image.width <= 256) shown.classList.add("small");
  shown.src = `data:image/png;base64,${image.png}`;
  return shown;
}

// A button with the image, or the reason why there is none.
function tile(place, alt, onOpen) {
  const made = element("figure", { class: "tile" });
  if (typeof place === "string") {
    made.append(element("div", { class: "absent" }, place));
    return made;
  }
  const button = element("button", { type: "button", "aria-label": `Enlarge: ${alt}` });
  button.append(imageOf(place, ""));
  button.addEventListener("click", onOpen);
  made.append(button);
  return made;
}

function showEnlarged() {
  const place = enlarged.row[enlarged.column], old = document.getElementById("enlarged-image");
  const there = typeof place !== "string";
  document.getElementById("enlarged-title").textContent = enlarged.title(enlarged.column);
  document.getElementById("enlarged-caption").textContent = there ? enlarged.caption : `${place}. ${enlarged.caption}`;
  const image = there ? imageOf(place, enlarged.caption) : element("img", { alt: "", hidden: "" });
  image.id = "enlarged-image";
  old.replaceWith(image);
  for (const [id, column] of [["enlarged-previous", enlarged.column - 1], ["enlarged-next", enlarged.column + 1]]) {
    const button = document.getElementById(id);
    button.hidden = enlarged.row.length < 2;
    button.disabled = column < 0 || column >= enlarged.row.length;
  }
}

function enlarge(what) {
  enlarged = what;
  showEnlarged();
  dialog.showModal();
}

function moveEnlarged(by) {
  const column = enlarged.column + by;
  if (column < 0 || column >= enlarged.row.length) return;
  enlarged.column = column;
  showEnlarged();
}

document.getElementById("enlarged-close").addEventListener("click", () => dialog.close());
document.getElementById("enlarged-previous").addEventListener("click", () => moveEnlarged(-1));
document.getElementById("enlarged-next").addEventListener("click", () => moveEnlarged(1));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") moveEnlarged(-1);
  if (event.key === "ArrowRight") moveEnlarged(1);
});

function showGrid(column) {
  const { lines, columns, prompts } = page.gallery;
  document.getElementById("steps-value").textContent = columns[column];
  document.getElementById("steps").setAttribute("aria-valuetext", columns[column]);
  prompts.forEach((prompt, number) => {
    const tiles = document.getElementById(`prompt-${number}`).querySelector(".tiles");
    tiles.replaceChildren(...lines.map((line, i) => {
      const title = (at) => `${line} · ${columns[at]}`;
      const made = tile(prompt.tiles[i][column], `${title(column)}: ${prompt.text}`,
        () => enlarge({ title, caption: prompt.text, row: prompt.tiles[i], column }));
      made.append(element("figcaption", {}, line));
      return made;
    }));
  });
}

function filterPrompts(text) {
  const wanted = text.trim().toLowerCase();
  let shown = 0;
  page.gallery.prompts.forEach((prompt, number) => {
    const hidden = !prompt.text.toLowerCase().includes(wanted);
    document.getElementById(`prompt-${number}`).hidden = hidden;
    shown += hidden ? 0 : 1;
  });
  document.getElementById("filter-count").textContent = `${shown} of ${page.gallery.prompts.length} prompts`;
}

if (document.getElementById("grid")) {
  const slider = document.getElementById("steps"), filter = document.getElementById("filter");
  page.gallery.prompts.forEach((prompt, number) => {
    const article = element("article", { class: "prompt", id: `prompt-${number}` });
    article.append(element("h3", {}, prompt.text), element("div", { class: "tiles" }));
    document.getElementById("grid").append(article);
  });
  slider.max = page.gallery.columns.length - 1;
  slider.value = slider.max;
  slider.addEventListener("input", () => showGrid(Number(slider.value)));
  filter.addEventListener("input", () => filterPrompts(filter.value));
  showGrid(Number(slider.value));
  filterPrompts("");
}

function extremeList(title, items, cell) {
  const box = element("div"), list = element("ol");
  for (const item of items) {
    const entry = element("li"), words = element("div");
    words.append(element("p", { class: "number" }, item.value.toFixed(2)), element("p", {}, item.text));
    entry.append(tile(item.image, `${cell}: ${item.text}`,
      () => enlarge({ title: () => `${cell}: ${item.value.toFixed(2)}`, caption: item.text, row: [item.image], column: 0 })), words);
    list.append(entry);
  }
  box.append(element("h3", {}, title), list);
  return box;
}

if (document.getElementById("extreme-lists")) {
  const choice = document.getElementById("cell");
  const several = new Set(page.extremes.map((cell) => cell.metric)).size > 1;
  page.extremes.forEach((cell, i) =>
    choice.append(element("option", { value: i }, several ? `${cell.cell}, ${cell.metric}` : cell.cell)));
  const show = () => {
    const cell = page.extremes[Number(choice.value)];
    document.getElementById("extreme-lists").replaceChildren(
      extremeList(`Best by ${cell.metric}`, cell.best, cell.cell), extremeList(`Worst by ${cell.metric}`, cell.worst, cell.cell));
  };
  choice.addEventListener("change", show);
  show();
}
