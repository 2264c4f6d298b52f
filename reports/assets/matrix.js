// One prompt, steps × methods, and the prompts on which a student loses most against its teacher.
function scored(made, score) {
  made.append(element("figcaption", { class: "score" }, score ?? "–"));
  return made;
}

function showMatrix(number) {
  const { lines, columns, prompts, metric } = page.gallery, prompt = prompts[number];
  const table = document.getElementById("matrix"), head = element("tr"), body = element("tbody");
  head.append(element("th", { scope: "col" }), ...columns.map((column) => element("th", { scope: "col" }, column)));
  lines.forEach((line, i) => {
    const row = element("tr"), title = (at) => `${line} · ${columns[at]}`;
    row.append(element("th", { scope: "row" }, line));
    columns.forEach((_, column) => {
      const cell = element("td"), score = prompt.scores[i][column];
      const image = tile(prompt.tiles[i][column], `${title(column)}: ${prompt.text}`,
        () => enlarge({ title, caption: prompt.text, row: prompt.tiles[i], column }));
      cell.append(metric ? scored(image, score) : image);
      row.append(cell);
    });
    body.append(row);
  });
  const top = element("thead");
  top.append(head);
  table.replaceChildren(top, body);
  document.getElementById("matrix-caption").textContent = prompt.text;
  document.getElementById("prompt-choice").value = String(number);
  document.getElementById("prompt-previous").disabled = number === 0;
  document.getElementById("prompt-next").disabled = number === prompts.length - 1;
}

if (document.getElementById("matrix")) {
  const choice = document.getElementById("prompt-choice"), { prompts, metric } = page.gallery;
  prompts.forEach((prompt, number) =>
    choice.append(element("option", { value: number }, `${number + 1} of ${prompts.length}: ${prompt.text.slice(0, 80)}`)));
  choice.addEventListener("change", () => showMatrix(Number(choice.value)));
  for (const [id, by] of [["prompt-previous", -1], ["prompt-next", 1]])
    document.getElementById(id).addEventListener("click", () => showMatrix(Number(choice.value) + by));
  document.getElementById("matrix-metric").textContent = metric ? `Below each picture: its ${metric}.` : "";
  showMatrix(0);
}

function lossList({ student, teacher, prompts, metric }) {
  const box = element("div"), list = element("ol");
  box.append(element("h3", {}, `${student} against ${teacher}, by ${metric}`), list);
  for (const prompt of prompts) {
    const entry = element("li"), pair = element("div", { class: "pair" }), names = [student, teacher];
    const scores = [prompt.student, prompt.teacher];
    prompt.images.forEach((place, i) => {
      const made = tile(place, `${names[i]}: ${prompt.text}`, () => enlarge(
        { title: (at) => `${names[at]}: ${scores[at]}`, caption: prompt.text, row: prompt.images, column: i }));
      made.append(element("figcaption", {}, `${i === 0 ? "student" : "teacher"} ${scores[i]}`));
      pair.append(made);
    });
    entry.append(pair, element("p", {}, prompt.text));
    list.append(entry);
  }
  return box;
}

if (document.getElementById("loss-lists"))
  document.getElementById("loss-lists").append(...page.losses.map(lossList));
