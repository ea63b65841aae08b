/* Wires what the page already holds: theme, methods, sorting, filtering, charts. Nothing is computed or fetched here. */
"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const root = document.documentElement;
  const off = new Set(); // methods that are hidden everywhere

  // --- theme: the system's until the button says otherwise ---
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const remembered = (value) => {
    try {
      if (value !== undefined) localStorage.setItem("symmbench-theme", value);
      return localStorage.getItem("symmbench-theme");
    } catch {
      return null; // storage is forbidden: the choice lasts as long as the page
    }
  };
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const themed = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    charts.forEach(draw);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remembered(root.dataset.theme);
    themed();
  });
  system.addEventListener("change", themed);
  if (remembered()) root.dataset.theme = remembered();

  // --- charts: colours out of the style sheet, methods out of the legend, x and groups out of their switches ---
  const charts = all("figure.chart").map((figure) => ({
    figure,
    plot: figure.querySelector(".plot"),
    ...JSON.parse(figure.querySelector("script").textContent),
  }));
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const HUES = 8; // of the style sheet; further methods have their colours again, and other points
  const faded = (hex) => hex + "2e";
  const chosen = (figure, what) => {
    const scope = figure.closest("[data-switches]");
    const input = scope && scope.querySelector(`[data-switch="${what}"]:checked, select[data-switch="${what}"]`);
    return input ? input.value : null;
  };

  function trace(one, figure) {
    const { method, hue, x, group, band, modes, symbols } = one.meta ?? {};
    const axis = chosen(figure, "x"), wanted = chosen(figure, "group");
    const ink = hue === undefined ? color("--quiet") : color(`--hue-${hue % HUES}`);
    const made = { ...one, visible: !(off.has(method) || (group && wanted && group !== wanted)) };
    if (x && axis) {
      made.x = x[axis] ?? [];
      if (modes) made.mode = modes[axis];
      if (symbols) made.marker = { ...one.marker, symbol: symbols[axis] };
      if (!x[axis]) made.visible = false;
    }
    if (band) return { ...made, fillcolor: faded(ink), line: { width: 0, color: ink } };
    return { ...made, line: { ...one.line, color: ink }, marker: { ...made.marker, color: ink } };
  }

  function draw({ figure, plot, traces, layout }) {
    const axis = chosen(figure, "x"), line = color("--line"), ink = color("--ink");
    const side = (given) => ({ gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true, ...given });
    const shown = {
      ...layout,
      xaxis: side({ ...layout.xaxis, ...(layout.meta?.x?.[axis] ?? {}) }),
      yaxis: side(layout.yaxis),
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: color("--paper"), bordercolor: line, font: { color: ink } },
      showlegend: false,
    };
    Plotly.react(plot, traces.map((one) => trace(one, figure)), shown, { displayModeBar: false, responsive: true });
  }

  // --- the legend: a method is hidden in charts, tables and galleries at once ---
  function toggled() {
    all("[data-method]").forEach((e) => e.classList.toggle("off", off.has(e.dataset.method)));
    all("[data-toggle]").forEach((e) => e.setAttribute("aria-pressed", String(!off.has(e.dataset.toggle))));
    all("select[data-panels]").forEach(panels);
    charts.forEach(draw);
  }
  all("[data-toggle]").forEach((chip) =>
    chip.addEventListener("click", () => {
      const method = chip.dataset.toggle;
      if (!off.delete(method)) off.add(method);
      toggled();
    }),
  );

  // --- switches: of the x axis and of groups in charts; of one panel among several ---
  all("[data-switches]").forEach((scope) =>
    scope.addEventListener("change", () => charts.filter((one) => scope.contains(one.figure)).forEach(draw)),
  );
  function panels(select) {
    const shown = [...select.options].filter((option) => !option.classList.contains("off"));
    if (shown.length && !shown.includes(select.selectedOptions[0])) select.value = shown[0].value;
    all(`[data-panel="${select.dataset.panels}"]`).forEach((e) => (e.hidden = e.id !== select.value));
  }
  all("select[data-panels]").forEach((select) => {
    select.addEventListener("change", () => panels(select));
    panels(select);
  });

  // --- sorting: by a heading, with what is missing at the end ---
  function sort(head) {
    const table = head.closest("table"), column = [...head.parentNode.children].indexOf(head);
    const first = head.dataset.first, other = first === "ascending" ? "descending" : "ascending";
    const way = head.getAttribute("aria-sort") === first ? other : first;
    all("th[aria-sort]", table).forEach((e) => e.setAttribute("aria-sort", e === head ? way : "none"));
    const sign = way === "ascending" ? 1 : -1;
    const key = (row) => row.children[column].dataset.sort;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
    };
    const body = table.tBodies[0];
    [...body.rows].sort((a, b) => compare(key(a), key(b))).forEach((row) => body.append(row));
  }
  all("table.sortable th button").forEach((e) => e.addEventListener("click", () => sort(e.closest("th"))));

  // --- filtering: rows that hold every word ---
  all("input[data-filter]").forEach((input) =>
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = all("tbody tr", document.getElementById(input.dataset.filter));
      rows.forEach((row) => (row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))));
      const left = rows.filter((row) => !row.hidden).length;
      input.closest(".controls").querySelector("output").textContent = words.length ? `${left} of ${rows.length} rows` : "";
    }),
  );

  // --- paper: folds open, ink on white, and all as before afterwards ---
  let printing = null;
  addEventListener("beforeprint", () => {
    if (printing) return;
    printing = { closed: all("details:not([open])"), theme: root.dataset.theme };
    printing.closed.forEach((e) => (e.open = true));
    root.dataset.theme = "light";
    charts.forEach(draw);
  });
  addEventListener("afterprint", () => {
    if (!printing) return;
    printing.closed.forEach((e) => (e.open = false));
    if (printing.theme === undefined) delete root.dataset.theme;
    else root.dataset.theme = printing.theme;
    printing = null;
    charts.forEach(draw);
  });

  root.classList.add("wired");
  themed();
})();
