"use strict";
// Draws the figures of a page when they come into sight. Data: the element "chart-data" (psyche_rl/charts/chart_page.py).
// No text of a run becomes code or markup here: it reaches Vega as values and titles alone.
(() => {
  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const slider = document.getElementById("chart-smoothing");
  const drawn = new Map(); // place -> view

  const rowsOf = ({ columns, words }) => {
    const names = Object.keys(columns);
    const length = names.length ? columns[names[0]].length : 0;
    return Array.from({ length }, (_, i) => Object.fromEntries(names.map((name) => {
      const value = columns[name][i];
      return [name, words[name] ? words[name][value] : value];
    })));
  };

  // An exponential mean along each line, without the pull of its beginning; "raw" keeps what was measured. Rounded, so
  // that a line of equal values stays level instead of showing errors in the 16th digit on an axis of its own.
  const smoothed = (rows, weight) => {
    const lines = new Map();
    return rows.map((row) => {
      const line = JSON.stringify([row.run, row.line]);
      const at = lines.get(line) || { sum: 0, norm: 0 };
      at.sum = weight * at.sum + (1 - weight) * row.value;
      at.norm = weight * at.norm + (1 - weight);
      lines.set(line, at);
      return { ...row, raw: row.value, value: weight > 0 ? Number((at.sum / at.norm).toPrecision(12)) : row.value };
    });
  };

  const weight = () => (slider ? Number(slider.value) : 0);
  const shown = (chart, log) => {
    const rows = chart.smooth ? smoothed(rowsOf(chart), weight()) : rowsOf(chart).map((row) => ({ ...row, raw: row.value }));
    return log ? rows.filter((row) => row.value > 0 && row.raw > 0 && !(row.low <= 0)) : rows;
  };

  const look = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      autosize: { type: "fit-x", contains: "padding" },
      view: { stroke: null },
      axis: { labelColor: soft, titleColor: soft, domainColor: line, tickColor: line, gridColor: line, labelLimit: 0, titleLimit: 0, titleFontWeight: "normal", labelSeparation: 4, labelFontSize: 11, titleFontSize: 11 },
      legend: { orient: "top", labelColor: ink, labelLimit: 300, labelFontSize: 11, symbolStrokeWidth: 2.5, symbolOpacity: 1, symbolBaseStrokeColor: ink, columnPadding: 12, offset: 6,
        // One legend above the other: side by side, that of the dashes would be cut where the names of runs are long.
        layout: { top: { anchor: "start", direction: "vertical", margin: 4 } } },
      text: { color: ink, fontSize: 11 },
    };
  };

  const logarithmic = (spec) => {
    for (const layer of spec.layer || [spec]) {
      const y = layer.encoding && layer.encoding.y;
      if (!y) continue;
      const { zero, ...scale } = y.scale || {}; // a logarithmic axis has none
      y.scale = { ...scale, type: "log" };
      y.axis = { ...y.axis, format: "~g" };
    }
  };

  const draw = async (figure) => {
    const place = Number(figure.dataset.chart);
    const chart = charts[place];
    const spec = structuredClone(chart.spec);
    const box = figure.querySelector(".chart-log input");
    const log = Boolean(box && box.checked);
    if (log) logarithmic(spec);
    Object.assign(spec, { width: "container", height: spec.height || 170, datasets: { rows: shown(chart, log) } });
    delete spec.config;
    const before = drawn.get(place);
    const made = await vegaEmbed(figure.querySelector(".chart-canvas"), spec, {
      ast: true, // expressions are interpreted: the page's policy forbids to evaluate text as code
      renderer: "canvas",
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: chart.title,
      config: look(),
      tooltip: { theme: dark.matches ? "dark" : "light" },
    });
    if (before) before.finalize();
    drawn.set(place, made.view);
    figure.dataset.drawn = "yes";
  };

  const failed = (figure) => (error) => {
    figure.querySelector(".chart-canvas").textContent = `This figure could not be drawn: ${error.message}`;
  };
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  const again = (figure) => { if (drawn.has(Number(figure.dataset.chart))) draw(figure).catch(failed(figure)); };

  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      draw(target).catch(failed(target));
    }
  }, { rootMargin: "400px" });
  for (const figure of figures) {
    watcher.observe(figure);
    const box = figure.querySelector(".chart-log input");
    if (box) box.addEventListener("change", () => again(figure));
  }
  dark.addEventListener("change", () => figures.forEach(again));
  if (slider) {
    slider.addEventListener("input", () => {
      slider.parentElement.querySelector("output").textContent = Number(slider.value).toFixed(2);
      for (const figure of figures) {
        const place = Number(figure.dataset.chart);
        if (!drawn.has(place) || !charts[place].smooth) continue;
        const box = figure.querySelector(".chart-log input");
        drawn.get(place).data("rows", shown(charts[place], Boolean(box && box.checked))).runAsync();
      }
    });
  }
})();
