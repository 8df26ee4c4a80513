// The page of one picture: its faces, each with its distribution. Nothing in it has a time.
(() => {
  function makePicture() {
    const media = data.media;
    if (!media) return el('div', { class: 'placeholder' }, 'No annotated picture was made.');
    const picture = el('img', { class: 'picture', src: sourceOf(media), alt: `${data.name}, annotated` });
    picture.addEventListener('error', () => picture.replaceWith(unplayable(media, 'picture')));
    return picture;
  }

  /** A bar for each class, as long as it is probable. */
  function bars(mean) {
    return el('dl', { class: 'bars' }, data.classes.map((label) => {
      const percent = 100 * mean[label];
      const bar = el('span', { class: 'bar' }, el('span', { style: `width:${percent}%;background:${colourOf(label)}` }));
      return [el('dt', {}, labelled(label)), el('dd', {}, bar, `${percent.toFixed(0)} %`)];
    }));
  }

  const faceOf = new Map(data.faces.map((face) => [face.id, face]));
  const rows = data.charts.map((chart) => {
    const face = faceOf.get(chart.id);
    const [label] = Object.keys(face.time_in);  // a picture's face has one, which lasts no time
    return label ? faceRow(chart, el('span', {}, labelled(label)), bars(face.mean)) : faceRow(chart, el('span', {}, 'not judged'), null);
  });
  document.getElementById('app').append(...heading(['picture']),
    el('div', { class: 'columns' }, el('section', { class: 'card watch' }, makePicture()), facesCard(rows)), footer());
})();
