// Hough voting in the browser, by the steps of the notebook: sharpen, vote, smooth,
// smooth, read. Cosines, photographs and true places stand in the page as JSON.
(() => {
  const root = document.getElementById("hough-figure");
  const { side: S, photos } = JSON.parse(root.querySelector("script").textContent);
  const N = S * S, X = 2 * S - 1;
  const row = i => Math.floor(i / S), column = i => i % S;

  // Bin of match m = i * N + j: row and column of its offset, zero in the middle.
  const bins = Array.from({ length: N * N }, (_, m) => {
    const i = Math.floor(m / N), j = m % N;
    return (row(j) - row(i) + S - 1) * X + column(j) - column(i) + S - 1;
  });

  // Sum along rows through the kernel K, and turn the table over.
  const along = (table, K) => table.map((_, k) => {
    const x = Math.floor(k / X), y = k % X;
    let sum = 0;
    for (let u = 0; u < X; u++) sum += table[y * X + u] * K(u - x);
    return sum;
  });
  const smooth = (table, K) => along(along(table, K), K);

  const largest = values => values.indexOf(Math.max(...values));
  const partners = (score, cos) => Array.from({ length: N }, (_, i) => {
    const of = table => table.slice(i * N, (i + 1) * N), best = largest(of(score));
    return score[i * N + best] > 0 ? best : largest(of(cos));
  });

  function solve(cos, sigma, d) {
    const K = z => sigma ? Math.exp(-z * z / (2 * sigma * sigma)) : Number(z === 0);
    const conf = cos.map(c => Math.max(c, 0) ** d);
    const votes = Array(X * X).fill(0);
    conf.forEach((p, m) => votes[bins[m]] += p);
    const h = smooth(votes, K), belief = smooth(h, K);
    const confidence = conf.map((p, m) => p * belief[bins[m]]);
    const winner = largest(h), offset = [winner % X - S + 1, Math.floor(winner / X) - S + 1];
    return { conf, h, confidence, offset,
             looks: partners(conf, cos), partner: partners(confidence, cos) };
  }

  // What is seen.
  const set = (e, attributes) => {
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  };
  const make = (parent, name, attributes = {}, text = "") => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    set(e, attributes);
    e.textContent = text;
    return parent.appendChild(e);
  };
  const squares = (parent, n, x, y, more) => Array.from({ length: n * n }, (_, i) =>
    make(parent, "rect",
         { x: x + i % n, y: y + Math.floor(i / n), width: 1, height: 1, ...more }));

  root.querySelector("img").remove();
  root.insertAdjacentHTML("beforeend", `
    <form>
      <fieldset><legend>photograph</legend>${photos.map((p, k) => `
        <label><input type="radio" name="photo" value="${k}"> ${p.name}</label>`).join("")}
      </fieldset>
      <fieldset><legend>pairs by</legend>
        <label><input type="radio" name="by" value="partner"> votes</label>
        <label><input type="radio" name="by" value="looks"> looks alone</label></fieldset>
      <label>σ <input type="range" name="sigma" min="0" max="3" step="0.1"
        aria-label="sigma, width of a vote in cells"> <output name="sigma_now"></output></label>
      <label>d <input type="range" name="d" min="1" max="10" step="0.5"
        aria-label="d, exponent of appearance"> <output name="d_now"></output></label>
    </form>
    <svg class="views" viewBox="0 -0.7 ${2 * S + 1} ${S + 0.75}"></svg>
    <div><svg class="space" role="img" viewBox="${-S - 2} ${-S - 0.8} ${X + 2.6} ${X + 3.4}"></svg>
      <p role="status"></p></div>`);
  const form = root.querySelector("form"), views = root.querySelector(".views");
  const space = root.querySelector(".space");

  const pictures = [0, S + 1].map((x, k) => {
    make(views, "text", { x: x + S / 2, y: -0.15 }, ["view a: click a cell", "view b"][k]);
    return make(views, "image", { x, y: 0, width: S, height: S });
  });
  const heat = squares(views, S, S + 1, 0, { class: "heat" });
  const lines = Array.from({ length: N }, () => make(views, "line"));
  const truth = make(views, "path", { class: "truth" });
  const group = make(views, "g", { role: "radiogroup", "aria-label": "cell of view a" });
  const cells = squares(group, S, 0, 0, { role: "radio", class: "cell" });
  const name = i => `row ${row(i)}, column ${column(i)}`;
  cells.forEach((c, i) => set(c, { "aria-label": name(i) }));

  make(space, "rect", { x: -S + 0.5, y: -S + 0.5, width: X, height: X, class: "ground" });
  const spots = squares(space, X, -S + 0.5, -S + 0.5, { class: "heat" });
  make(space, "path", { class: "zero", d: "M-.4 0H.4M0-.4V.4" });
  const ring = make(space, "circle", { r: 0.9 }), own = make(space, "circle", { r: 0.3 });
  for (let t = 1 - S; t < S; t += 3) {
    make(space, "text", { x: t, y: S + 0.3 }, t);
    make(space, "text", { x: -S - 0.1, y: t + 0.3 }, t);
  }
  make(space, "text", { x: 0, y: S + 1.4 }, "columns");
  make(space, "text", { transform: `translate(${-S - 1.2} 0) rotate(-90)` }, "rows");
  make(space, "text", { x: 0, y: -S + 0.1 }, "votes h(x)");

  const shift = (n, ways) => `${Math.abs(n)} ${ways[n < 0 ? 0 : 1]}`;
  let cell = 25;

  function draw() {
    const now = Object.fromEntries(new FormData(form)), photo = photos[now.photo];
    const found = solve(photo.cos.map(c => c / 1000), Number(now.sigma), Number(now.d));
    const score = now.by === "looks" ? found.conf : found.confidence, chosen = found[now.by];
    const place = photo.true;                       // of each cell in b, or null
    const right = (i, j) => Math.hypot(column(j) + 0.5 - place[i][0],
                                       row(j) + 0.5 - place[i][1]) <= 1 + 1e-4;

    form.sigma_now.value = `${now.sigma} cells`;
    form.d_now.value = now.d;
    pictures.forEach((p, k) => set(p, { href: [photo.a, photo.b][k] }));
    const line = score.slice(cell * N, (cell + 1) * N), top = Math.max(...line) || 1;
    heat.forEach((r, j) => set(r, { "fill-opacity": line[j] / top }));
    const most = Math.max(...found.h);
    spots.forEach((r, x) => set(r, { "fill-opacity": found.h[x] / (most || 1) }));
    lines.forEach((e, i) => {
      const j = chosen[i], kind = !place[i] ? "none" : right(i, j) ? "right" : "wrong";
      set(e, { x1: column(i) + 0.5, y1: row(i) + 0.5, x2: column(j) + S + 1.5, y2: row(j) + 0.5,
               class: i === cell ? `${kind} own` : kind });
    });
    cells.forEach((c, i) =>
      set(c, { "aria-checked": i === cell, tabindex: i === cell ? 0 : -1 }));
    const [x, y] = place[cell] ?? [-9, -9], mate = chosen[cell], [dx, dy] = found.offset;
    set(truth, { d: `M${x + S + 0.75} ${y - 0.25}l.5 .5m0-.5l-.5 .5` });
    set(ring, { cx: dx, cy: dy });
    set(own, { cx: column(mate) - column(cell), cy: row(mate) - row(cell) });

    const inside = place.flatMap((p, i) => p ? [i] : []);
    const count = pairs => inside.filter(i => right(i, pairs[i])).length;
    const said = `Most votes: ${shift(dx, ["left", "right"])}, `
      + `${shift(dy, ["up", "down"])}, h(x) = ${most.toPrecision(3)}.`;
    set(space, { "aria-label": `Hough space. ${said}` });
    root.querySelector("p").innerHTML = `${said}<br>
      Cell ${name(cell)} of a ${place[cell] ? "lies in b" : "does not lie in b"}.
      Partner by looks: ${name(found.looks[cell])}; by votes: ${name(found.partner[cell])}.<br>
      Right within a cell, of ${inside.length} cells that lie in b: ${count(found.looks)} by looks,
      ${count(found.partner)} by votes.`;
    root.answer = { ...found, cell };
  }

  const choose = i => { cell = i; draw(); cells[i].focus({ preventScroll: true }); };
  cells.forEach((c, i) => c.addEventListener("click", () => choose(i)));
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  group.addEventListener("keydown", e => {
    if (!arrows[e.key]) return;
    e.preventDefault();
    const x = column(cell) + arrows[e.key][0], y = row(cell) + arrows[e.key][1];
    if (x >= 0 && x < S && y >= 0 && y < S) choose(y * S + x);
  });
  form.photo[0].checked = form.by[0].checked = true;
  form.sigma.value = 0.5;
  form.d.value = 3;
  form.addEventListener("input", draw);
  form.addEventListener("submit", e => e.preventDefault());
  draw();
})();
