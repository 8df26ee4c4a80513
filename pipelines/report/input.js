// The page of one recording: its video beside the timelines of its faces.
(() => {
  const length = Math.max(data.seconds, ...data.faces.map((face) => face.last), data.image ? 1 : 0.001);
  const faceOf = new Map(data.faces.map((face) => [face.id, face]));
  const charts = [];
  let position = 0;  // seconds: where the playhead is
  let hovered = null;  // seconds under the pointer
  let player = null;

  function makePlayer() {
    const media = data.media;
    if (!media) return el('div', { class: 'placeholder' }, 'No annotated video was made. A click on a timeline reads it there.');
    let source = encodeURIComponent(media.file);
    if (media.embedded) {
      const text = atob(document.getElementById('media').textContent);
      const bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
      source = URL.createObjectURL(new Blob([bytes], { type: media.mime }));
    }
    const trouble = (node) => node.replaceWith(el('div', { class: 'placeholder', role: 'alert' },
      media.embedded ? 'This browser cannot play the video.' : `${media.file} is not beside this page, or this browser cannot play it.`));
    if (data.image) {
      const picture = el('img', { class: 'picture', src: source, alt: `${data.name}, annotated` });
      picture.addEventListener('error', () => trouble(picture));
      return picture;
    }
    const video = el('video', { controls: true, preload: 'auto', playsinline: true, src: source });
    video.addEventListener('error', () => { player = null; trouble(video); });
    for (const event of ['seeking', 'seeked', 'timeupdate', 'pause']) video.addEventListener(event, () => moveTo(video.currentTime));
    const follow = () => {
      moveTo(video.currentTime);
      if (!video.paused && !video.ended) requestAnimationFrame(follow);
    };
    video.addEventListener('play', follow);
    player = video;
    return video;
  }

  function seek(seconds) {
    const to = Math.min(Math.max(0, seconds), length);
    if (player) player.currentTime = to;
    moveTo(to);
  }

  function moveTo(seconds) {
    position = seconds;
    for (const chart of charts) placePlayhead(chart);
    tell();
  }

  function placePlayhead({ plot, playhead }) {
    const { min, max } = plot.scales.x;
    playhead.hidden = position < min || position > max;
    playhead.style.left = `${plot.valToPos(position, 'x')}px`;
  }

  // ---- what the faces show at one moment

  const frameLength = data.frames > 0 ? data.seconds / data.frames : 0;
  /** Frames that are further apart than a bin are one stretch all the same. */
  const reach = Math.max(1.5 * data.bin_seconds, 3 * frameLength);

  /** The index of the last bin before a time; null where the face is away. */
  function binAt(chart, seconds) {
    let low = 0, high = chart.bins.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (chart.bins[middle] * data.bin_seconds <= seconds + 1e-6) low = middle + 1;
      else high = middle;
    }
    return low > 0 && seconds - chart.bins[low - 1] * data.bin_seconds < reach ? low - 1 : null;
  }

  const now = el('div', { class: 'now', 'aria-live': 'off' });
  function tell() {
    const at = hovered ?? position;
    const rows = charts.map(({ chart }) => {
      const i = binAt(chart, at);
      if (i === null) return null;
      const values = data.classes.map((label, c) => [label, chart.p[c][i] / 10]).sort((a, b) => b[1] - a[1]).slice(0, 3);
      return el('li', {}, el('span', { class: 'face' }, `Face ${chart.id}`),
        values.map(([label, percent]) => el('span', { class: 'value' }, swatch(label), `${label} ${percent.toFixed(0)} %`)));
    }).filter(Boolean);
    now.replaceChildren(el('span', { class: 'time' }, data.image ? 'In the picture' : `At ${timeText(at, 1)}`),
      rows.length ? el('ul', {}, rows) : el('div', { class: 'hint' }, 'no face'));
  }

  // ---- a face's timeline

  /** Stacked from below, in the order of the classes; nulls where the face is away. */
  function stacked(chart) {
    const x = [], sums = data.classes.map(() => []);
    const put = (seconds, i) => {
      x.push(seconds);
      let sum = 0;
      data.classes.forEach((_, c) => {
        sum += i === null ? 0 : chart.p[c][i] / 1000;
        sums[c].push(i === null ? null : sum);
      });
    };
    chart.bins.forEach((bin, i) => {
      put(bin * data.bin_seconds, i);
      const next = chart.bins[i + 1];
      if (next !== undefined && (next - bin) * data.bin_seconds <= reach) return;
      put((bin + 1) * data.bin_seconds - 1e-6, i);
      if (next !== undefined) put((bin + 1) * data.bin_seconds, null);
    });
    return [x, ...sums.reverse()];  // the whole stack first: each lower one is painted over it
  }

  let zooming = false;
  function zoomTo(min, max) {
    if (zooming) return;
    zooming = true;
    for (const { plot } of charts) plot.setScale('x', { min, max });
    zooming = false;
    unzoom.hidden = max - min >= length - 1e-6;
    for (const chart of charts) placePlayhead(chart);
  }
  const unzoom = el('button', { type: 'button', hidden: true, onclick: () => zoomTo(0, length) }, 'Show all');

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
    ctx.fillStyle = getComputedStyle(document.body).getPropertyValue('--card');
    ctx.fillRect(bbox.left, bbox.top + height, bbox.width, 2 * devicePixelRatio);
    ctx.restore();
  }

  function makeChart(chart, holder) {
    const ink = getComputedStyle(document.body).getPropertyValue('--soft').trim();
    const line = getComputedStyle(document.body).getPropertyValue('--line').trim();
    const episodes = faceOf.get(chart.id).episodes;
    const series = [...data.classes].reverse().map((label) => ({ label, stroke: colourOf(label), width: 0, fill: colourOf(label), points: { show: false } }));
    const plot = new uPlot({
      width: Math.max(200, holder.clientWidth), height: 118,
      legend: { show: false },
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 }, sync: { key: 'faces' },
        bind: { dblclick: () => () => { zoomTo(0, length); return null; } },
      },
      scales: { x: { time: false, range: (_, min, max) => [min, max] }, y: { range: [0, 1.12] } },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { stroke: line, size: 4 }, size: 26, space: 70, font: '12px system-ui, sans-serif',
          values: (_, ticks) => ticks.map((t) => timeText(t, ticks.length > 1 && ticks[1] - ticks[0] < 1 ? 1 : 0)) },
        { stroke: ink, grid: { show: false }, ticks: { show: false }, size: 44, splits: () => [0, 0.5, 1], font: '11px system-ui, sans-serif',
          values: (_, ticks) => ticks.map((t) => `${Math.round(100 * t)} %`) },
      ],
      series: [{}, ...series],
      hooks: {
        draw: [(u) => drawEpisodes(u, episodes)],
        setCursor: [(u) => { hovered = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, 'x') : null; tell(); }],
        setScale: [(u, key) => { if (key === 'x' && charts.length === data.charts.length) zoomTo(u.scales.x.min, u.scales.x.max); }],
      },
    }, stacked(chart), holder);
    const playhead = el('div', { class: 'playhead' });
    plot.over.append(playhead);
    let pressed = 0;
    plot.over.addEventListener('mousedown', (event) => { pressed = event.clientX; });
    plot.over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - pressed) > 4) return;  // a zoom, not a click
      seek(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x'));
    });
    return { plot, playhead };
  }

  function makeTrack(chart) {
    const face = faceOf.get(chart.id);
    const picture = chart.thumbnail
      ? el('img', { class: 'thumbnail', src: `data:image/jpeg;base64,${chart.thumbnail}`, alt: `Face ${chart.id}` })
      : el('div', { class: 'thumbnail unseen' }, String(chart.id));
    const holder = el('div', { class: 'chart', role: 'img', 'aria-label': `Expressions of face ${chart.id} over time; the figures are in the table below` });
    const row = el('section', { class: 'track' }, picture, el('div', {},
      el('div', { class: 'title' }, el('b', {}, `Face ${chart.id}`), face.dominant ? el('span', {}, 'mostly ', labelled(face.dominant)) : el('span', {}, 'never judged'),
        data.image ? null : el('span', {}, `${timeText(face.first, 1)} to ${timeText(face.last, 1)}, in the picture for ${lengthText(face.seconds)}`)),
      holder));
    return { row, holder, chart };
  }

  // ---- the table

  function makeTable() {
    const labels = [...data.classes, 'uncertain'];
    const cell = (face, label) => {
      const seconds = face.time_in[label];
      if (seconds === undefined) return el('td', {}, '–');
      return el('td', {}, lengthText(seconds), el('span', { class: 'count', title: 'onsets' }, `${face.onsets[label] ?? 0}×`));
    };
    return el('div', { class: 'scroll' }, el('table', {},
      el('thead', {}, el('tr', {}, el('th', {}, 'Face'), el('th', {}, 'in the picture'), labels.map((label) => el('th', {}, labelled(label))))),
      el('tbody', {}, data.faces.map((face) => el('tr', {}, el('td', {}, `Face ${face.id}`), el('td', {}, lengthText(face.seconds)), labels.map((label) => cell(face, label)))))));
  }

  function start() {
    const facts = [data.image ? 'picture' : timeText(data.seconds, 1), data.image ? null : counted(data.frames, 'frame', 'frames'), `${data.width} × ${data.height}`,
      counted(data.faces.length, 'face', 'faces')].filter(Boolean).join(' · ');
    const hidden = data.faces.length - data.charts.length;
    const tracks = data.charts.map(makeTrack);
    document.getElementById('app').append(
      el('header', {}, el('h1', {}, data.name), el('p', { class: 'facts' }, facts, data.dominant ? ' · mostly ' : '', data.dominant ? el('b', {}, data.dominant) : ''),
        el('p', { class: 'facts' }, data.source)),
      data.warnings.length ? el('section', { class: 'card problem' }, el('h2', {}, 'The file was not quite in order'), el('ul', {}, data.warnings.map((text) => el('li', {}, text)))) : '',
      el('div', { class: 'columns' },
        el('section', { class: 'card watch' }, makePlayer(), el('ul', { class: 'legend' }, [...data.classes, 'uncertain'].map((label) => el('li', {}, labelled(label)))), now),
        el('section', { class: 'card' }, el('div', { class: 'toolbar' }, el('h2', {}, 'Faces'), el('span', { class: 'hint' }, 'above each chart: the label · click: go there · drag: zoom'), unzoom),
          tracks.length ? tracks.map((track) => track.row) : el('div', { class: 'placeholder' }, 'No face was found.'),
          hidden > 0 ? el('p', { class: 'hint' }, `${counted(hidden, 'more face', 'more faces')}, seen more shortly, in summary.json`) : null)),
      data.faces.length ? el('section', { class: 'card below' }, el('h2', {}, 'Time in each expression, and how often it began'), makeTable()) : '',
      footer());
    for (const track of tracks) charts.push({ ...track, ...makeChart(track.chart, track.holder) });
    zoomTo(0, length);
    new ResizeObserver(() => {
      for (const { plot, holder } of charts) if (holder.clientWidth > 0 && holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height: 118 });
      moveTo(position);
    }).observe(document.getElementById('app'));
    moveTo(0);
  }
  start();
})();
