// The page over all inputs of a run.
(() => {
  const troubled = data.inputs.filter((input) => input.state !== 'done');
  const done = data.inputs.filter((input) => input.state === 'done');
  const films = done.filter((input) => !input.image), pictures = done.filter((input) => input.image);
  const withFilms = films.length > 0 || pictures.length === 0;
  const heading = `Annotated ${[withFilms && 'recordings', pictures.length > 0 && 'pictures'].filter(Boolean).join(' and ')}`;

  /** Of several inputs' amounts by label, the sums. */
  function added(all) {
    const sums = {};
    for (const amounts of all) for (const [label, amount] of Object.entries(amounts)) sums[label] = (sums[label] ?? 0) + amount;
    return sums;
  }
  const facesText = (n) => counted(n, 'face', 'faces');
  // A picture's labels last no time: what counts is how many faces show each, which is as often as each began.
  const amountsOf = (input) => (input.image ? input.onsets : input.time_in);
  const barOf = (input) => shares(amountsOf(input), input.image ? facesText : lengthText);

  const address = (name, file) => `${name.split('/').map(encodeURIComponent).join('/')}/${file}`;
  function nameOf(input) {
    const title = input.report ? el('a', { href: address(input.name, 'report.html') }, input.name) : input.name;
    return [title, input.warnings ? el('span', { class: 'count' }, 'with warnings') : null];
  }
  const withFace = (input) => `${input.frames ? Math.round((100 * input.frames_with_face) / input.frames) : 0} %`;
  const mostly = (input) => (input.dominant ? labelled(input.dominant) : '–');

  /** The table's columns: head, content, class; `ofFilms` are left out where there are pictures only. */
  const columns = [
    { head: 'Name', content: nameOf, kind: 'name' },
    { head: 'length', content: (input) => (input.image ? 'picture' : timeText(input.seconds, 1)), ofFilms: true },
    { head: 'frames', content: (input) => (input.image ? '–' : numberText(input.frames)), ofFilms: true },
    { head: 'with a face', content: (input) => (input.image ? '–' : withFace(input)), ofFilms: true },
    { head: 'faces', content: (input) => numberText(input.faces) },
    { head: 'mostly', content: mostly, kind: 'left' },
    { head: 'expressions', content: barOf, kind: 'left' },
  ].filter((column) => !column.ofFilms || withFilms);

  function row(input) {
    const cell = ({ content, kind }) => el('td', { class: kind, title: kind === 'name' && input.source }, content(input));
    return el('tr', { 'data-name': input.name.toLowerCase() }, columns.map(cell));
  }
  const rows = done.map(row);
  const filter = el('input', { class: 'filter', type: 'search', placeholder: 'filter by name', 'aria-label': 'filter by name' });
  filter.addEventListener('input', () => {
    const wanted = filter.value.toLowerCase();
    for (const one of rows) one.hidden = !one.dataset.name.includes(wanted);
  });
  function table() {
    if (rows.length === 0) return el('div', { class: 'placeholder' }, 'Nothing is done.');
    const heads = columns.map(({ head, kind }) => el('th', { class: kind }, head));
    return el('div', { class: 'scroll' }, el('table', {}, el('thead', {}, el('tr', {}, heads)), el('tbody', {}, rows)));
  }

  function troubles() {
    if (troubled.length === 0) return '';
    // Those that an interruption came before may be many: a number of them says it all.
    const begun = troubled.filter((input) => input.reason !== 'not begun');
    const item = (input) => [el('b', {}, input.source), `: ${input.reason || 'interrupted'}`];
    const rest = troubled.length - begun.length;
    const items = [...begun.map(item), ...(rest > 0 ? [`${counted(rest, 'input was', 'inputs were')} not begun`] : [])];
    return problems(`${counted(troubled.length, 'input is', 'inputs are')} not done`, items);
  }

  /** All inputs' expressions as one bar; none where there is nothing in it. */
  function allShares(title, amounts, textOf) {
    if (sumOf(amounts) <= 0) return '';
    const items = inOrder(amounts).map(([label, amount]) => el('li', {}, labelled(label), ` ${textOf(amount)}`));
    return el('section', { class: 'card below' }, el('h2', {}, title), shares(amounts, textOf, 'large'),
      el('ul', { class: 'legend' }, items));
  }

  function facts() {
    const frames = films.reduce((all, film) => all + film.frames, 0);
    const ofFilms = [counted(films.length, 'recording', 'recordings'), timeText(data.totals.seconds), counted(frames, 'frame', 'frames')];
    const ofPictures = [counted(pictures.length, 'picture', 'pictures')];
    return [...(withFilms ? ofFilms : []), ...(pictures.length ? ofPictures : []), facesText(data.totals.faces)].join(' · ');
  }

  document.title = heading;
  document.getElementById('app').append(
    el('header', {}, el('h1', {}, heading), el('p', { class: 'facts' }, facts())), troubles(),
    allShares('Time in each expression, all faces', added(films.map(amountsOf)), lengthText),
    allShares('Expressions of the faces in pictures', added(pictures.map(amountsOf)), facesText),
    el('section', { class: 'card below' },
      el('div', { class: 'toolbar' }, el('h2', {}, 'All inputs'), done.length > 8 ? filter : ''), table()),
    footer());
})();
