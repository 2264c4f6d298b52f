// Tables sort by a click on a column's head; entries without a number stay last either way.
function sortKey(row, column) {
  const cell = row.cells[column];
  if (cell.tagName === "TD") return cell.dataset.number === undefined ? null : Number(cell.dataset.number);
  return cell.textContent;
}

function compareKeys(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number") return direction * (a - b);
  return direction * a.localeCompare(b, "en", { numeric: true });
}

// The last row of the head has a cell for each column; above it may be groups.
function headsOf(table) { return [...table.tHead.rows[table.tHead.rows.length - 1].cells]; }

function sortBy(table, column) {
  const heads = headsOf(table), body = table.tBodies[0];
  const descending = heads[column].getAttribute("aria-sort") === "ascending";
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  const keyed = [...body.rows].map((row) => [sortKey(row, column), row]);
  keyed.sort((a, b) => compareKeys(a[0], b[0], descending ? -1 : 1));
  body.append(...keyed.map(([, row]) => row));
  document.getElementById("sorted").textContent =
    `Sorted by ${heads[column].textContent}, ${descending ? "descending" : "ascending"}`;
}

for (const table of document.querySelectorAll("table:not(.matrix)")) {
  headsOf(table).forEach((head, column) => {
    if (![...table.tBodies[0].rows].some((row) => sortKey(row, column) !== null)) return;
    const button = element("button", { type: "button" }, head.textContent);
    button.addEventListener("click", () => sortBy(table, column));
    head.replaceChildren(button);
  });
}

// Columns of numbers get the width of the widest.
for (const table of document.querySelectorAll("table:not(.matrix)")) {
  const first = table.tBodies[0].rows[0];
  if (!first) continue;
  const numbers = [...first.cells].map((cell, i) => (cell.tagName === "TD" ? i : -1)).filter((i) => i >= 0);
  const width = Math.max(...numbers.map((i) => first.cells[i].getBoundingClientRect().width));
  for (const i of numbers) headsOf(table)[i].style.minWidth = `${Math.ceil(width)}px`;
}
