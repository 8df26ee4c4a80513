// What the pages of one input share, a film's and a picture's.

/** The address of the annotated film or picture: in this page, or the file beside it. */
function sourceOf(media) {
  if (!media.embedded) return encodeURIComponent(media.file);
  const text = atob(document.getElementById('media').textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return URL.createObjectURL(new Blob([bytes], { type: media.mime }));
}
function unplayable(media, what) {
  return el('div', { class: 'placeholder', role: 'alert' },
    media.embedded ? `This browser cannot show the ${what}.` : `${media.file} is not beside this page, or this browser cannot show it.`);
}

const allLabels = [...data.classes, 'uncertain'];
const legend = () => el('ul', { class: 'legend' }, allLabels.map((label) => el('li', {}, labelled(label))));

/** The input's name, what is known of it at a glance, and what its decoder complained about. */
function heading(facts) {
  const faces = counted(data.face_count, 'face', 'faces');
  const dominant = data.dominant ? [' · mostly ', el('b', {}, data.dominant)] : [];
  return [
    el('header', {}, el('h1', {}, data.name),
      el('p', { class: 'facts' }, [...facts, `${data.width} × ${data.height}`, faces].join(' · '), dominant),
      el('p', { class: 'facts' }, data.source)),
    data.warnings.length ? problems('The file was not quite in order', data.warnings) : '',
  ];
}

/** The list of faces, each a row, under a title and what stands beside it. */
function facesCard(rows, ...tools) {
  const hidden = data.face_count - data.faces.length;
  if (rows.length === 0) rows = [el('div', { class: 'placeholder' }, 'No face was found.')], tools = [];
  return el('section', { class: 'card' }, el('div', { class: 'toolbar' }, el('h2', {}, 'Faces'), tools), rows,
    hidden > 0 ? el('p', { class: 'hint' }, `${counted(hidden, 'more face', 'more faces')}, seen more shortly, in summary.json`) : null);
}

/** A face's row: its thumbnail beside a title and what it shows. */
function faceRow({ id, thumbnail }, title, content) {
  const picture = thumbnail
    ? el('img', { class: 'thumbnail', src: `data:image/jpeg;base64,${thumbnail}`, alt: `Face ${id}` })
    : el('div', { class: 'thumbnail unseen' }, String(id));
  return el('section', { class: 'track' }, picture,
    el('div', {}, el('div', { class: 'title' }, el('b', {}, `Face ${id}`), title), content));
}
