// The page over all recordings of a run.
(() => {
  const totals = data.totals;
  const troubled = data.inputs.filter((input) => input.state !== 'done');
  const done = data.inputs.filter((input) => input.state === 'done');

  const address = (name, file) => `${name.split('/').map(encodeURIComponent).join('/')}/${file}`;
  function row(input) {
    const title = input.report ? el('a', { href: address(input.name, 'report.html') }, input.name) : input.name;
    return el('tr', { 'data-name': input.name.toLowerCase() },
      el('td', { class: 'name', title: input.source }, title, input.warnings ? el('span', { class: 'count' }, 'with warnings') : null),
      el('td', {}, input.image ? 'picture' : timeText(input.seconds, 1)),
      el('td', {}, numberText(input.frames)),
      el('td', {}, `${input.frames ? Math.round((100 * input.frames_with_face) / input.frames) : 0} %`),
      el('td', {}, numberText(input.faces)),
      el('td', { class: 'left' }, input.dominant ? labelled(input.dominant) : '–'),
      el('td', { class: 'left' }, shares(input.image ? Object.fromEntries(Object.keys(input.time_in).map((label) => [label, 1])) : input.time_in)));
  }

  const rows = done.map(row);
  const filter = el('input', { class: 'filter', type: 'search', placeholder: 'filter by name', 'aria-label': 'filter by name', oninput: () => {
    const wanted = filter.value.toLowerCase();
    for (const one of rows) one.hidden = !one.dataset.name.includes(wanted);
  } });
  const times = totals.time_in;
  document.title = 'Annotated recordings';
  document.getElementById('app').append(
    el('header', {}, el('h1', {}, 'Annotated recordings'),
      el('p', { class: 'facts' }, [counted(totals.inputs, 'input', 'inputs'), timeText(totals.seconds), counted(totals.frames, 'frame', 'frames'),
        counted(totals.faces, 'face', 'faces')].join(' · '))),
    troubled.length ? el('section', { class: 'card problem' }, el('h2', {}, `${counted(troubled.length, 'input is', 'inputs are')} not done`),
      el('ul', {}, troubled.map((input) => el('li', {}, el('b', {}, input.source), `: ${input.state === 'partial' ? 'interrupted' : input.reason}`)))) : '',
    Object.keys(times).length ? el('section', { class: 'card' }, el('h2', {}, 'Time in each expression, all faces'),
      shares(times, true), el('ul', { class: 'legend' }, inOrder(times).map(([label, seconds]) => el('li', {}, labelled(label), ` ${lengthText(seconds)}`)))) : '',
    el('section', { class: 'card below' },
      el('div', { class: 'toolbar' }, el('h2', {}, 'Recordings'), done.length > 8 ? filter : ''),
      done.length ? el('div', { class: 'scroll' }, el('table', {},
        el('thead', {}, el('tr', {}, el('th', {}, 'Recording'), el('th', {}, 'length'), el('th', {}, 'frames'), el('th', {}, 'with a face'), el('th', {}, 'faces'),
          el('th', { class: 'left' }, 'mostly'), el('th', { class: 'left' }, 'time in each expression'))),
        el('tbody', {}, rows))) : el('div', { class: 'placeholder' }, 'Nothing is done.')),
    footer());
})();
