// Draws each figure of the page in its place, in the colours that the reader's screen asks for.
(() => {
  "use strict";
  const darkened = JSON.parse(document.getElementById("dark").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const printed = matchMedia("print");
  const touched = matchMedia("(pointer: coarse)");
  const PRINTED_WIDTH = 680; // A4 without its margins, in CSS pixels

  const columns = new Set(["x", "y", "z", "text", "customdata", "open", "high", "low", "close", "labels", "values"]);

  function recolored(value, key) {
    if (typeof value === "string") return /colors?$/.test(key) ? darkened[value] ?? value : value;
    if (Array.isArray(value)) return columns.has(key) ? value : value.map((each) => recolored(each, key));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, columns.has(name) ? each : recolored(each, name)]));
  }

  const figures = [...document.querySelectorAll("script[data-figure]")].map((script) => ({
    place: document.getElementById(script.dataset.figure),
    text: script.textContent,
  }));

  function draw(isPrinted) {
    return Promise.all(figures.map(({ place, text }) => {
      let figure = JSON.parse(text);
      if (dark.matches && !isPrinted) figure = recolored(figure, "");
      const narrow = (isPrinted ? PRINTED_WIDTH : place.clientWidth) < 560;
      const layout = figure.layout;
      if (isPrinted) layout.width = PRINTED_WIDTH;
      if (touched.matches) layout.dragmode = false; // a finger scrolls the page
      if (narrow) {
        layout.margin.l = 4;
        layout.margin.r = 8;
        if (layout.xaxis) layout.xaxis.nticks = 4;
      }
      return Plotly.react(place, figure.data, layout, {
        responsive: !isPrinted,
        displaylogo: false,
        displayModeBar: narrow || touched.matches || isPrinted ? false : "hover",
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      });
    }));
  }

  const drawn = draw(false);
  dark.addEventListener("change", () => draw(printed.matches));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
  printed.addEventListener("change", (event) => draw(event.matches));
  drawn.then(() => { document.documentElement.dataset.drawn = "yes"; });
})();
