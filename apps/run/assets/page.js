"use strict";
// Draws every <canvas data-chart="ID"> from the description with that ID in #charts (report.cpp). Colours are the page's
// custom properties, read again when the colour scheme changes and before printing.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const points = (curve, values) => curve.x.map((x, i) => ({ x, y: values[i] }));

  const shown = (value) => {
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(1);
    return value.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? 15 : 3, maximumFractionDigits: 3 });
  };
  const short = (value) => (Math.abs(value) >= 1e4 ? value.toLocaleString("en-US", { notation: "compact" }) : shown(value));

  // Writes the name of a neutral level on its line; below it for the lowest, so that two close levels stay legible.
  const levelNames = {
    id: "levelNames",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      const levels = chart.data.datasets.filter((dataset) => dataset.named);
      const lowest = Math.min(...levels.map((dataset) => dataset.data[0].y));
      ctx.save();
      ctx.font = `12px ${Chart.defaults.font.family}`;
      ctx.textAlign = "right";
      for (const dataset of levels) {
        const value = dataset.data[0].y;
        const below = levels.length > 1 && value === lowest;
        ctx.fillStyle = dataset.borderColor;
        ctx.fillText(`${dataset.label} ${shown(value)}`, chartArea.right - 4, scales.y.getPixelForValue(value) + (below ? 15 : -6));
      }
      ctx.restore();
    },
  };

  // The axis ignores the band, which shows the noise within a bucket: single outliers would flatten the curve.
  const verticalRange = (description) => {
    const values = description.curves.flatMap((curve) => curve.y).filter((y) => y !== null);
    const low = Math.min(...values), high = Math.max(...values);
    if (description.logarithmic) return { min: low / 1.1, max: high * 1.1 };
    const pad = (high - low || Math.abs(high) || 1) * 0.06;
    return { min: description.from_zero && low >= 0 ? 0 : low - pad, max: high + pad };
  };

  // The shapes of a curve's marks: the first four filled, the others hollow (comparison.cpp draws the same in the legend).
  const shapes = ["circle", "triangle", "rect", "rectRot"];

  const datasetsOf = (curve) => {
    const line = colour(`--curve-${curve.colour}`);
    const plain = { pointRadius: 0, pointHitRadius: 0, borderWidth: 0, backgroundColor: line + "2e", fill: false, band: true };
    const band = curve.low ? [
      { ...plain, label: "maximum", data: points(curve, curve.high) },
      { ...plain, label: "minimum", data: points(curve, curve.low), fill: "-1" }] : [];
    const few = curve.x.length <= 40;
    return [...band, {
      label: curve.name, data: points(curve, curve.y), level: curve.dashed, named: curve.dashed && curve.neutral,
      pointStyle: shapes[curve.mark % shapes.length], pointBackgroundColor: curve.mark < shapes.length ? line : colour("--card"),
      borderColor: line, backgroundColor: line, borderWidth: curve.dashed ? 1.5 : 2, borderDash: curve.dashed ? [5, 4] : [],
      borderJoinStyle: "round", clip: 6, pointRadius: few && !curve.dashed ? (curve.mark > 0 ? 4 : 2.5) : 0, pointHoverRadius: curve.dashed ? 0 : 4,
      pointBorderWidth: curve.mark < shapes.length ? 0 : 1.5,
    }];
  };

  // Uses as many decimals as the steps of the axis need.
  const tickLabel = function (value, index, ticks) {
    const largest = Math.max(...ticks.map((tick) => Math.abs(tick.value)));
    if (largest < 1e-3 && largest > 0) return value === 0 ? "0" : value.toExponential(1);
    return Chart.Ticks.formatters.numeric.call(this, value, index, ticks);
  };

  const logarithmicTicks = (axis) => {
    axis.ticks = axis.ticks.filter((tick) => [1, 2, 5].includes(Number(tick.value.toExponential(6).split("e")[0])));
  };

  const draw = (canvas) => {
    const description = charts[canvas.dataset.chart];
    const ticks = { color: colour("--faint"), maxRotation: 0, autoSkipPadding: 18 };
    const ends = description.curves.flatMap((curve) => [curve.x[0], curve.x[curve.x.length - 1]]);
    const first = Math.min(...ends), last = Math.max(...ends);
    const span = first === last ? { min: first - 1, max: last + 1 } : { min: first < 0.2 * last ? 0 : first, max: last };
    return new Chart(canvas, {
      type: "line",
      data: { datasets: description.curves.flatMap(datasetsOf) },
      plugins: [levelNames],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
        interaction: { mode: "nearest", axis: "x", intersect: false },
        layout: { padding: { top: 4, right: 6 } },
        scales: {
          x: {
            type: "linear", ...span,
            title: { display: canvas.closest(".small") === null, text: description.x_label, color: colour("--faint") },
            grid: { display: false, drawBorder: false },
            ticks: { ...ticks, maxTicksLimit: 7, includeBounds: false, callback: (value) => (Number.isInteger(value) ? short(value) : null) },
          },
          y: {
            type: description.logarithmic ? "logarithmic" : "linear", ...verticalRange(description),
            afterBuildTicks: description.logarithmic ? logarithmicTicks : undefined,
            grid: { color: colour("--grid"), drawBorder: false, drawTicks: false },
            ticks: { ...ticks, padding: 8, maxTicksLimit: 6, includeBounds: false, callback: description.logarithmic ? short : tickLabel },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: (item) => !item.dataset.band,
            displayColors: description.curves.filter((curve) => !curve.dashed).length > 1, usePointStyle: true,
            callbacks: {
              title: (items) => (items.length ? `${description.x_label} ${Math.round(items[0].parsed.x).toLocaleString("en-US")}` : ""),
              label: (item) => `${item.dataset.label}: ${shown(item.parsed.y)}`,
            },
          },
        },
      },
    });
  };

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  let drawn = [];
  const drawAll = () => {
    drawn.forEach((chart) => chart.destroy());
    drawn = [...document.querySelectorAll("canvas[data-chart]")].map(draw);
  };
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", drawAll);
})();
