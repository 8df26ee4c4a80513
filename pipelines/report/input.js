// The page of one film: its video beside the timelines of its faces.
(() => {
  const length = data.faces.reduce((most, face) => Math.max(most, face.last), Math.max(data.seconds, 0.001));
  const chartHeight = 118;
  const faceOf = new Map(data.faces.map((face) => [face.id, face]));
  const charts = [];
  let position = 0;  // seconds: where the playhead is
  let hovered = null;  // seconds under the pointer
  let player = null;

  function makePlayer() {
    const media = data.media;
    if (!media) return el('div', { class: 'placeholder' }, 'No annotated video was made. A click on a timeline reads it there.');
    const video = el('video', { controls: true, preload: 'auto', playsinline: true, src: sourceOf(media) });
    video.addEventListener('error', () => {
      player = null;
      video.replaceWith(unplayable(media, 'video'));
    });
    for (const event of ['seeking', 'seeked', 'timeupdate', 'pause']) video.addEventListener(event, () => moveTo(video.currentTime));
    const follow = () => {
      moveTo(video.currentTime);
      if (!video.paused && !video.ended) requestAnimationFrame(follow);
    };
    video.addEventListener('play', () => {
      hovered = null;  // else a mouse that was left on a chart holds the reading
      follow();
    });
    player = video;
    return video;
  }

  function seek(seconds) {
    const to = Math.min(Math.max(0, seconds), length);
    hovered = null;
    if (player) player.currentTime = to;
    moveTo(to);
  }

  function moveTo(seconds) {
    position = seconds;
    update();
  }

  let updating = false;
  /** Whatever moves within one frame of the screen, and however often: the page follows once. */
  function update() {
    if (updating) return;
    updating = true;
    requestAnimationFrame(() => {
      updating = false;
      charts.forEach(placePlayhead);
      tell();
    });
  }

  function placePlayhead({ plot, playhead, holder, face, spans }) {
    const { min, max } = plot.scales.x;
    playhead.hidden = position < min || position > max;
    playhead.style.left = `${plot.valToPos(position, 'x')}px`;
    holder.setAttribute('aria-valuenow', position.toFixed(2));
    const shown = sampleAt(spans, position) === null ? 'away' : labelAt(face, position);
    holder.setAttribute('aria-valuetext', `${timeText(position, 1)}, ${shown}`);
  }

  // ---- what the faces show at one moment

  /** From when and until when a face's samples hold, in seconds. */
  function spansOf(chart, face) {
    const starts = chart.bins.map((bin) => Math.max(bin * data.bin_seconds, face.first));
    return { starts, ends: starts.map((start, i) => endOf(start, chart.ends[i] / 1000, starts[i + 1] ?? Infinity)) };
  }

  /** A sample holds until its last frame ends, at most to the next one; a frame that takes no time, for its bin. */
  function endOf(start, end, next) {
    if (next <= end + 1e-3) return next;  // ends are rounded to milliseconds
    return end > start ? end : start + data.bin_seconds;
  }

  /** The index of the last of these times that is not after a moment; -1 before the first. */
  function lastBegun(count, timeOf, seconds) {
    let low = 0, high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (timeOf(middle) <= seconds + 1e-6) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The index of the sample that holds at a moment; null where the face is away. At the film's end its last frame is still shown. */
  function sampleAt({ starts, ends }, seconds) {
    const moment = Math.min(seconds, length - 1e-3);
    const i = lastBegun(starts.length, (k) => starts[k], moment);
    return i >= 0 && moment < ends[i] ? i : null;
  }

  function labelAt({ episodes }, seconds) {
    return episodes[Math.max(0, lastBegun(episodes.length, (k) => episodes[k].start, seconds))]?.label;
  }

  const now = el('div', { class: 'now', 'aria-live': 'off', style: `--faces:${data.charts.length}` });

  function readingOf({ chart, face, spans }, at) {
    const i = sampleAt(spans, at);
    if (i === null) return null;
    const label = labelAt(face, at);
    const values = data.classes.map((label, c) => [label, chart.p[c][i] / 10]).sort((a, b) => b[1] - a[1]).slice(0, 3);
    return el('li', {}, el('span', { class: 'face' }, `Face ${chart.id}`), el('b', { class: 'label' }, label ? labelled(label) : 'not judged'),
      values.map(([label, percent]) => el('span', { class: 'value' }, swatch(label), `${label} ${percent.toFixed(0)} %`)));
  }

  function tell() {
    const at = hovered ?? position;
    const rows = charts.map((chart) => readingOf(chart, at)).filter(Boolean);
    now.replaceChildren(el('span', { class: 'time' }, `At ${timeText(at, 1)}`),
      rows.length ? el('ul', {}, rows) : el('div', { class: 'hint' }, 'no face'));
  }

  // ---- a face's timeline

  /** Stacked from below, in the order of the classes; nulls where the face is away. */
  function stacked(chart, { starts, ends }) {
    const x = [], sums = data.classes.map(() => []);
    const put = (seconds, i) => {
      x.push(seconds);
      let sum = 0;
      data.classes.forEach((_, c) => {
        sum += i === null ? 0 : chart.p[c][i] / 1000;
        sums[c].push(i === null ? null : sum);
      });
    };
    starts.forEach((start, i) => {
      put(start, i);
      const next = starts[i + 1];
      if (ends[i] === next) return;
      put(ends[i] - 1e-6, i);
      if (next !== undefined) put(ends[i], null);
    });
    return [x, ...sums.reverse()];  // the whole stack first: each lower one is painted over it
  }

  const complete = () => charts.length === data.charts.length;
  let zooming = false;
  function zoomTo(min, max) {
    if (zooming) return;
    zooming = true;
    for (const { plot } of charts) plot.setScale('x', { min, max });
    zooming = false;
    unzoom.disabled = max - min >= length - 1e-6;
    update();
  }
  const showAll = () => zoomTo(0, length);

  /** Shows as much as is shown, or a part of that, with a moment in the middle. */
  function zoomAround(seconds, part) {
    const { min, max } = charts[0].plot.scales.x;
    const wanted = Math.max((max - min) * part, Math.min(length, 0.1));
    const from = Math.min(Math.max(0, seconds - wanted / 2), length - wanted);
    zoomTo(from, from + wanted);
  }
  // For those who have no mouse to drag.
  const zoom = el('button', { type: 'button', onclick: () => zoomAround(position, 0.5) }, 'Zoom in');
  const unzoom = el('button', { type: 'button', disabled: true, onclick: showAll }, 'Show all');

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { min, max } = charts[0].plot.scales.x;
    const step = (max - min) / 50;
    const target = { ArrowLeft: position - step, ArrowRight: position + step, Home: 0, End: length }[event.key];
    if (event.key !== 'Escape' && target === undefined) return;
    event.preventDefault();
    if (event.key === 'Escape') return showAll();
    seek(target);
    if (position < min || position > max) zoomAround(position, 1);
  }

  function drawEpisodes(plot, episodes) {
    const { ctx, bbox } = plot;
    const height = 7 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const episode of episodes) {
      const left = plot.valToPos(episode.start, 'x', true), right = plot.valToPos(episode.end, 'x', true);
      ctx.fillStyle = colourOf(episode.label);
      ctx.fillRect(left, bbox.top, Math.max(right - left, devicePixelRatio), height);
    }
    ctx.fillStyle = inkOf('--card');
    ctx.fillRect(bbox.left, bbox.top + height, bbox.width, 2 * devicePixelRatio);
    ctx.restore();
  }

  /** A colour of the style sheet as it is now: light and dark may change while the page is open. */
  const inkOf = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

  const minute = 60, hour = 60 * minute;
  /** Between ticks, in seconds: what one counts in. */
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
    ...[1, 2, 5, 10, 15, 30].map((n) => n * minute), ...[1, 2, 3, 6, 12, 24, 48, 120, 240, 720, 2400].map((n) => n * hour)];
  const decimalsOf = (step) => (step < 1 ? Math.ceil(-Math.log10(step) - 1e-9) : 0);

  const axes = [
    { stroke: () => inkOf('--soft'), grid: { show: false }, ticks: { stroke: () => inkOf('--line'), size: 4 }, size: 26, space: 70,
      font: '12px system-ui, sans-serif', incrs: steps,
      values: (_, ticks, axis, space, step) => ticks.map((t) => timeText(t, decimalsOf(step))) },
    { stroke: () => inkOf('--soft'), grid: { show: false }, ticks: { show: false }, size: 44, splits: () => [0, 0.5, 1],
      font: '11px system-ui, sans-serif', values: (_, ticks) => ticks.map((t) => `${Math.round(100 * t)} %`) },
  ];

  function makePlot(chart, face, spans, holder) {
    const area = (label) => ({ label, stroke: colourOf(label), width: 0, fill: colourOf(label), points: { show: false } });
    return new uPlot({
      width: Math.max(200, holder.clientWidth), height: chartHeight, axes,
      legend: { show: false },
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 }, sync: { key: 'faces' },
        bind: { dblclick: () => () => { showAll(); return null; } },
      },
      scales: { x: { time: false, range: (_, min, max) => [min, max] }, y: { range: [0, 1.12] } },
      series: [{}, ...[...data.classes].reverse().map(area)],
      hooks: {
        draw: [(u) => drawEpisodes(u, face.episodes)],
        setScale: [(u, key) => { if (key === 'x' && complete()) zoomTo(u.scales.x.min, u.scales.x.max); }],
      },
    }, stacked(chart, spans), holder);
  }

  /** The pointer on a chart: a click goes there, and what is under it is read. */
  function listen(plot) {
    const secondsAt = (event) => plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x');
    let pressed = 0;
    plot.over.addEventListener('mousedown', (event) => { pressed = event.clientX; });
    plot.over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - pressed) <= 4) seek(secondsAt(event));  // else a zoom, not a click
    });
    // Not by uPlot's cursor: it hears mouse events only, and after a tap the mouse that a finger plays never leaves.
    const hover = (seconds) => {
      hovered = seconds;
      update();
    };
    plot.over.addEventListener('pointermove', (event) => hover(secondsAt(event)));
    plot.over.addEventListener('pointerleave', () => hover(null));
  }

  function makeChart({ chart, face, holder }) {
    const spans = spansOf(chart, face);
    const plot = makePlot(chart, face, spans, holder);
    const playhead = el('div', { class: 'playhead' });
    plot.over.append(playhead);
    listen(plot);
    holder.addEventListener('keydown', onKey);
    return { chart, face, holder, spans, plot, playhead };
  }

  /** The expression with the most time, or why there is none. */
  function verdict(face) {
    if (face.dominant) return el('span', {}, 'mostly ', labelled(face.dominant));
    return el('span', {}, 'uncertain' in face.time_in ? 'always uncertain' : 'never judged');
  }

  function makeTrack(chart) {
    const face = faceOf.get(chart.id);
    const holder = el('div', { class: 'chart', tabindex: '0', role: 'slider', 'aria-valuemin': '0', 'aria-valuemax': length.toFixed(2),
      'aria-label': `Expressions of face ${chart.id} over time; the figures are in the table below` });
    const when = `${timeText(face.first, 1)} to ${timeText(face.last, 1)}, in the picture for ${lengthText(face.seconds)}`;
    return { chart, face, holder, row: faceRow(chart, [verdict(face), el('span', {}, when)], holder) };
  }

  // ---- the table

  function makeTable() {
    const cell = (face, label) => {
      const seconds = face.time_in[label];
      if (seconds === undefined) return el('td', {}, '–');
      return el('td', {}, lengthText(seconds), el('span', { class: 'count', title: 'onsets' }, `${face.onsets[label] ?? 0}×`));
    };
    const row = (face) => el('tr', {}, el('td', {}, `Face ${face.id}`), el('td', {}, lengthText(face.seconds)),
      allLabels.map((label) => cell(face, label)));
    const heads = el('tr', {}, el('th', {}, 'Face'), el('th', {}, 'in the picture'),
      allLabels.map((label) => el('th', {}, labelled(label))));
    return el('section', { class: 'card below' }, el('h2', {}, 'Time in each expression, and how often it began'),
      el('div', { class: 'scroll' }, el('table', {}, el('thead', {}, heads), el('tbody', {}, data.faces.map(row)))));
  }

  function fitCharts() {
    for (const { plot, holder } of charts)
      if (holder.clientWidth > 0 && holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height: chartHeight });
    update();
  }

  function start() {
    const tracks = data.charts.map(makeTrack);
    const byMouse = el('span', { class: 'by-mouse' }, ' · drag: zoom');
    const hint = el('span', { class: 'hint' }, 'above each chart: the label · click: go there', byMouse);
    const buttons = el('span', { class: 'buttons' }, zoom, unzoom);
    const watch = el('section', { class: 'card watch' }, makePlayer(), tracks.length ? [legend(), now] : null);
    document.getElementById('app').append(...heading([timeText(data.seconds, 1), counted(data.frames, 'frame', 'frames')]),
      el('div', { class: 'columns' }, watch, facesCard(tracks.map((track) => track.row), hint, buttons)),
      tracks.length ? makeTable() : '', footer());
    for (const track of tracks) charts.push(makeChart(track));
    showAll();
    new ResizeObserver(fitCharts).observe(document.getElementById('app'));
    const redraw = () => charts.forEach(({ plot }) => plot.redraw(false));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    moveTo(0);
  }
  start();
})();
