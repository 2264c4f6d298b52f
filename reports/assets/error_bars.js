// Chart.js has no error bars: draws the range of each point that has one: one standard error to both sides, or two percentiles.
const errorBars = {
  id: "errorBars",
  beforeDatasetsDraw(chart) {
    const { ctx, chartArea, scales } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
    ctx.clip();
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i)) return;
      ctx.strokeStyle = dataset.borderColor;
      ctx.lineWidth = 1.25;
      for (const point of dataset.data) {
        const x = scales.x.getPixelForValue(point.x), y = scales.y.getPixelForValue(point.y);
        if (point.yRange) {
          bar(ctx, x, scales.y.getPixelForValue(point.yRange[0]), x, scales.y.getPixelForValue(point.yRange[1]));
        }
        if (point.xRange) {
          bar(ctx, scales.x.getPixelForValue(point.xRange[0]), y, scales.x.getPixelForValue(point.xRange[1]), y);
        }
      }
    });
    ctx.restore();
  },
};

// A line with a cap at each end.
function bar(ctx, x0, y0, x1, y1) {
  const cap = 4, upright = x0 === x1;
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  for (const [x, y] of [[x0, y0], [x1, y1]]) {
    ctx.moveTo(upright ? x - cap : x, upright ? y : y - cap);
    ctx.lineTo(upright ? x + cap : x, upright ? y : y + cap);
  }
  ctx.stroke();
}
