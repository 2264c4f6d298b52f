// Draws page.figures: every figure is lines of points with errors, and perhaps a Pareto front.

// Okabe and Ito's colours, which the colour-blind can tell apart, [light, dark]: some darker than theirs for contrast on
// white. Shapes differ too: 6 colours and 5 shapes share no factor, so 30 lines look different.
const kColours = [["#0072B2", "#56B4E9"], ["#D55E00", "#E69F00"], ["#009E73", "#009E73"], ["#B0528A", "#CC79A7"],
  ["#000000", "#F0E442"], ["#9A6A00", "#D55E00"]];
const kShapes = ["circle", "rect", "triangle", "rectRot", "crossRot"];
const kDashes = [[], [7, 3], [2, 3]];

function lineLook(number) {
  const shade = kColours[number % kColours.length][isDark() ? 1 : 0];
  return {
    borderColor: shade,
    backgroundColor: shade,
    pointStyle: kShapes[number % kShapes.length],
    borderDash: kDashes[Math.floor(number / kColours.length) % kDashes.length],
  };
}

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function numberText(value) { return Number(value.toPrecision(6)).toString(); }

// On a logarithmic axis: 1, 2 and 5 times the powers of ten, or finer where fewer than three of them are in sight.
function logarithmicTicks(low, high) {
  let ticks = [];
  for (const factors of [[1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9], Array.from({ length: 90 }, (_, i) => 1 + i / 10)]) {
    ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power) {
      ticks.push(...factors.map((factor) => factor * 10 ** power).filter((value) => value >= low && value <= high));
    }
    if (ticks.length >= 3) break;
  }
  return ticks;
}

// cut: what lies beyond the extent is not shown.
function axisOptions(axis, extent, cut = false) {
  const options = {
    type: axis.logarithmic ? "logarithmic" : "linear",
    title: { display: true, text: axis.title, color: colour("--text") },
    grid: { color: colour("--rule"), borderColor: colour("--quiet") },
    ticks: { color: colour("--quiet"), maxRotation: 0, autoSkipPadding: 14 },
  };
  const [low, high] = extent;
  if (axis.logarithmic) {
    const margin = Math.pow(high / low, 0.06) || 1;
    options.min = low / (high > low ? margin : 2);
    options.max = high * (high > low ? margin : 2);
    options.ticks.callback = numberText;
    options.afterBuildTicks = (scale) => {
      const ticks = axis.ticks.length ? axis.ticks : logarithmicTicks(scale.min, scale.max);
      scale.ticks = ticks.map((value) => ({ value }));
    };
  } else {
    const margin = 0.06 * (high - low) || 1;
    if (axis.labels) {
      options.afterBuildTicks = (scale) => { scale.ticks = axis.ticks.map((value) => ({ value })); };
      options.ticks.callback = (value) => axis.labels[axis.ticks.indexOf(value)];
      options.ticks.maxRotation = 60;
    }
    options[cut ? "min" : "suggestedMin"] = low >= 0 ? Math.max(0, low - margin) : low - margin;
    options[cut ? "max" : "suggestedMax"] = high + margin;
  }
  return options;
}

// With the error bars, as far as a logarithmic axis shows them.
function extentOf(figure, key, logarithmic = figure[key].logarithmic) {
  const ends = figure.lines.flatMap((line) => line.points)
    .flatMap((point) => [point[key], ...(point[`${key}Range`] ?? [])]).filter((end) => !logarithmic || end > 0);
  return [Math.min(...ends), Math.max(...ends)];
}

function chartOptions(figure) {
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: false },
    scales: { x: axisOptions(figure.x, extentOf(figure, "x")), y: axisOptions(figure.y, figure.yExtent, figure.zoomed) },
    plugins: {
      legend: { display: false },
      tooltip: {
        filter: (item) => item.raw.text !== undefined,
        displayColors: false,
        callbacks: { title: () => "", label: (item) => wrapped(item.raw.text) },
      },
    },
  };
}

// Lines of about 44 characters: a tooltip does not wrap by itself.
function wrapped(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1).length + word.length > 44) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}

// A step through the points that no other beats in both, with a ring around each.
function frontDataset(figure) {
  return { label: "Pareto front", isFront: true, data: figure.front.map(([x, y]) => ({ x, y })), pointRadius: 9, pointHitRadius: 0,
    pointStyle: "circle", pointBackgroundColor: "transparent", pointBorderWidth: 2, pointHoverRadius: 9,
    borderColor: colour("--front"), borderDash: [6, 3], borderWidth: 3, stepped: "before", order: 9 };
}

// Lines that share their places along x are moved apart by a few pixels, so that each error bar is seen.
function dodged(figure, line) {
  if (!figure.x.ticks.length) return line.points;
  const shift = Math.min(0.03, 0.12 / figure.lines.length) * (figure.lines.indexOf(line) - (figure.lines.length - 1) / 2);
  const span = Math.max(...figure.x.ticks) - Math.min(...figure.x.ticks);
  const moved = (x) => (figure.x.logarithmic ? x * Math.exp(shift) : x + shift * span / 4);
  return line.points.map((point) => ({ ...point, x: moved(point.x) }));
}

function datasets(figure) {
  const lines = figure.lines.map((line) => ({
    label: line.label, data: dodged(figure, line), borderWidth: 2, pointRadius: line.points.length > 30 ? 0 : 4.5, pointHoverRadius: 7,
    pointBorderWidth: 2, ...lineLook(line.number),
  }));
  return figure.front.length > 1 ? [...lines, frontDataset(figure)] : lines;
}

// A line's look, in its legend button.
function drawSample(canvas, dataset) {
  const scale = Math.max(1, devicePixelRatio), ctx = canvas.getContext("2d");
  canvas.width = 34 * scale;
  canvas.height = 16 * scale;
  ctx.scale(scale, scale);
  ctx.strokeStyle = ctx.fillStyle = dataset.borderColor;
  ctx.lineWidth = 2;
  ctx.setLineDash(dataset.borderDash);
  ctx.beginPath();
  ctx.moveTo(1, 8);
  ctx.lineTo(33, 8);
  ctx.stroke();
  ctx.setLineDash([]);
  if (!dataset.isFront) Chart.helpers.drawPoint(ctx, { pointStyle: dataset.pointStyle, radius: 5, borderWidth: 2 }, 17, 8);
}

// What each point is, beside it: its number of steps.
const pointLabels = {
  id: "pointLabels",
  afterDatasetsDraw(chart) {
    const { ctx } = chart;
    ctx.save();
    ctx.font = `11px ${Chart.defaults.font.family}`;
    ctx.textBaseline = "bottom";
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i)) return;
      ctx.fillStyle = dataset.borderColor;
      chart.getDatasetMeta(i).data.forEach((place, at) => {
        const { label } = dataset.data[at], { left, right, top, bottom } = chart.chartArea;
        if (label && place.x >= left && place.x <= right && place.y >= top && place.y <= bottom) ctx.fillText(label, place.x + 6, place.y - 4);
      });
    });
    ctx.restore();
  },
};

// Values that flatten the rest on a linear axis: beyond the quartiles by more than three times their distance.
function outliersOf(figure) {
  const values = figure.lines.flatMap((line) => line.points).map((point) => point.y).sort((a, b) => a - b);
  const quartile = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const low = quartile(0.25), high = quartile(0.75), reach = 3 * (high - low);
  return values.length < 5 || reach === 0 ? [] : values.filter((value) => value < low - reach || value > high + reach);
}

// The figure as its buttons have it: y on another scale, or without what flattens the rest.
function shownFigure(entry) {
  const { figure, state } = entry, far = new Set(state.zoomed ? outliersOf(figure) : []);
  const extent = (point) => [point.yRange?.[0] ?? point.y, point.yRange?.[1] ?? point.y];
  const kept = figure.lines.flatMap((line) => line.points).filter((point) => !far.has(point.y)).flatMap(extent)
    .filter((end) => !state.logarithmic || end > 0);
  const yExtent = far.size ? [Math.min(...kept), Math.max(...kept)] : extentOf(figure, "y", state.logarithmic);
  return { ...figure, y: { ...figure.y, logarithmic: state.logarithmic }, yExtent, zoomed: far.size > 0 };
}

const charts = [];

// A name hides and shows its line in every figure.
function toggleLine(label, shown) {
  for (const { chart, legend } of charts) {
    chart.data.datasets.forEach((dataset, i) => { if (dataset.label === label) chart.setDatasetVisibility(i, shown); });
    chart.update("none");
    for (const button of legend.querySelectorAll("button"))
      if (button.textContent === label) button.setAttribute("aria-pressed", String(shown));
  }
}

function makeLegend(chart) {
  const legend = element("ul", { class: "legend" });
  for (const dataset of chart.data.datasets) {
    const button = element("button", { type: "button", "aria-pressed": "true" });
    button.append(element("canvas", { "aria-hidden": "true" }), element("span", {}, dataset.label));
    button.addEventListener("click", () => toggleLine(dataset.label, button.getAttribute("aria-pressed") !== "true"));
    const item = element("li");
    item.append(button);
    legend.append(item);
  }
  return legend;
}

function drawLegend({ chart, legend }) {
  legend.querySelectorAll("canvas").forEach((canvas, i) => drawSample(canvas, chart.data.datasets[i]));
}

// Arrow keys: left and right along a line, up and down to the next line.
function walkPoints(entry, status) {
  let at = null;
  return (event) => {
    const { chart } = entry;
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const move = moves[event.key];
    if (!move) return;
    const shown = chart.data.datasets.map((_, i) => i).filter((i) => chart.isDatasetVisible(i) && !chart.data.datasets[i].isFront);
    if (!shown.length) return;
    event.preventDefault();
    let line = at === null ? 0 : Math.max(0, shown.indexOf(at.datasetIndex));
    let point = at === null ? 0 : at.index + move[1];
    if (at !== null) line = (line + move[0] + shown.length) % shown.length;
    const count = chart.data.datasets[shown[line]].data.length;
    point = Math.min(Math.max(point, 0), count - 1);
    at = { datasetIndex: shown[line], index: point };
    const place = chart.getDatasetMeta(at.datasetIndex).data[point];
    chart.setActiveElements([at]);
    chart.tooltip.setActiveElements([at], { x: place.x, y: place.y });
    chart.update("none");
    status.textContent = chart.data.datasets[at.datasetIndex].data[point].text;
  };
}

function makeChart(canvas, figure) {
  return new Chart(canvas, { type: "line", data: { datasets: datasets(figure) }, options: chartOptions(figure), plugins: [errorBars, pointLabels] });
}

function pressButton(text, label, pressed, onToggle) {
  const button = element("button", { type: "button", class: "download", "aria-label": label, "aria-pressed": String(pressed) }, text);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    onToggle(now);
  });
  return button;
}

// Scale, zoom and downloads of a figure.
function figureTools(entry) {
  const { figure, state } = entry, tools = element("div", { class: "tools" });
  const change = (name) => (on) => {
    state[name] = on;
    remakeChart(entry);
  };
  if (figure.lines.every((line) => line.points.every((point) => point.y > 0)))
    tools.append(pressButton("log", `Logarithmic axis: ${figure.title}`, state.logarithmic, change("logarithmic")));
  if (outliersOf(figure).length)
    tools.append(pressButton("zoom", `Without the values that flatten the rest: ${figure.title}`, state.zoomed, change("zoomed")));
  tools.append(downloadButton("PNG", `Save as PNG: ${figure.title}`, () => savePicture(entry.chart, fileName(figure.title, "png"))),
    downloadButton("CSV", `Save as CSV: ${figure.title}`, () => save(fileName(figure.title, "csv"), "text/csv", csvOf(figureRows(figure)))));
  return tools;
}

// How many values the zoom leaves out.
function tellOutside(entry) {
  const out = entry.state.zoomed ? outliersOf(entry.figure).length : 0;
  entry.outside.textContent = out ? `${out} ${out === 1 ? "value lies" : "values lie"} outside; switch “zoom” off to show ${out === 1 ? "it" : "them"}.` : "";
}

function makeFigure(figure, number) {
  const holder = element("figure"), box = element("div", { class: "chart" });
  const canvas = element("canvas", { tabindex: "0", role: "img", "aria-labelledby": `figure-${number}`, "aria-describedby": `point-${number}` });
  const status = element("p", { class: "unseen", id: `point-${number}`, role: "status" });
  const entry = { figure, state: { logarithmic: figure.y.logarithmic, zoomed: !figure.y.logarithmic && outliersOf(figure).length > 0 } };
  holder.append(element("h3", { id: `figure-${number}` }, figure.title), figureTools(entry), box);
  box.append(canvas);
  document.getElementById("figure-list").append(holder);
  entry.chart = makeChart(canvas, shownFigure(entry));
  entry.legend = makeLegend(entry.chart);
  entry.outside = element("p", { class: "outside", role: "status" });
  holder.append(entry.outside, entry.legend, status);
  tellOutside(entry);
  if (figure.missing.length) holder.append(element("figcaption", {}, `Not shown: ${figure.missing.join("; ")}.`));
  canvas.addEventListener("keydown", walkPoints(entry, status));
  canvas.addEventListener("blur", () => {
    entry.chart.setActiveElements([]);
    entry.chart.tooltip.setActiveElements([], { x: 0, y: 0 });
    entry.chart.update("none");
  });
  charts.push(entry);
  drawLegend(entry);
}

// In the colours of the theme: a chart keeps those that it was made with.
function remakeChart(entry) {
  const { canvas } = entry.chart, shown = entry.chart.data.datasets.map((_, i) => entry.chart.isDatasetVisible(i));
  entry.chart.destroy();
  entry.chart = makeChart(canvas, shownFigure(entry));
  tellOutside(entry);
  shown.forEach((visible, i) => entry.chart.setDatasetVisibility(i, visible));
  entry.chart.update("none");
  drawLegend(entry);
}

if (document.getElementById("figure-list")) {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  page.figures.forEach(makeFigure);
  themeListeners.push(() => charts.forEach(remakeChart));
}
