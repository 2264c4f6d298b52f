// Buttons that save a table or a figure as a file.
function save(name, type, content) {
  const link = element("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function fileName(title, ending) {
  const words = `${page.name} ${title}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return `${words.slice(0, 80)}.${ending}`;
}

// As RFC 4180 wants a field; one that a spreadsheet would run gets an apostrophe. Numbers stay numbers.
function csvField(value) {
  const text = String(value ?? "");
  const safe = typeof value !== "number" && /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(rows) { return rows.map((row) => row.map(csvField).join(",") + "\r\n").join(""); }

// Of a table what is seen, without the joined names of narrow screens.
function tableRows(table) {
  return [...table.rows].map((row) => [...row.cells].filter((cell) => !cell.classList.contains("method"))
    .flatMap((cell) => [cell.textContent.replace("◆", "").trim(), ...Array(cell.colSpan - 1).fill("")]));
}

function figureRows(figure) {
  const rows = [["line", "x", "y", "x_low", "x_high", "y_low", "y_high", "text"]];
  for (const line of figure.lines)
    for (const { x, y, xRange, yRange, text } of line.points)
      rows.push([line.label, x, y, ...(xRange ?? ["", ""]), ...(yRange ?? ["", ""]), text]);
  return rows;
}

// In the colours of the page, on its background: a canvas alone is transparent.
function savePicture(chart, name) {
  const copy = element("canvas"), ctx = copy.getContext("2d");
  copy.width = chart.canvas.width;
  copy.height = chart.canvas.height;
  ctx.fillStyle = colour("--page");
  ctx.fillRect(0, 0, copy.width, copy.height);
  ctx.drawImage(chart.canvas, 0, 0);
  copy.toBlob((blob) => save(name, "image/png", blob));
}

function downloadButton(text, label, onClick) {
  const button = element("button", { type: "button", class: "download", "aria-label": label }, text);
  button.addEventListener("click", onClick);
  return button;
}

for (const holder of document.querySelectorAll(".table-tools")) {
  const table = document.getElementById(holder.dataset.table), title = holder.dataset.title || "table";
  holder.append(downloadButton("CSV", `Save as CSV: ${title}`,
    () => save(fileName(title, "csv"), "text/csv", csvOf(tableRows(table)))));
}
if (page.latex) {
  document.getElementById("tables-tools").append(downloadButton("LaTeX", "Save all tables as LaTeX",
    () => save(fileName("tables", "tex"), "application/x-tex", page.latex)));
}
