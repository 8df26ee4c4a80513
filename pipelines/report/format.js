'use strict';
// What all pages share: the data, colours, numbers as text, elements.
const data = JSON.parse(document.getElementById('data').textContent);

// The colours of fmpnoverlay, so that page and video say the same.
const COLOURS = {
  anger: '#d55e00', contempt: '#cc79a7', disgust: '#009e73', fear: '#0072b2', happiness: '#f0e442', sadness: '#56b4e9', surprise: '#e69f00',
  neutral: '#c8c8c8', uncertain: '#8b93a0',
};
const SPARE = ['#6a3d9a', '#b15928', '#33a02c', '#e31a1c', '#1f78b4'];
const spareOf = new Map();
function colourOf(label) {
  if (COLOURS[label]) return COLOURS[label];
  if (!spareOf.has(label)) spareOf.set(label, SPARE[spareOf.size % SPARE.length]);
  return spareOf.get(label);
}

function timeText(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const total = Math.round(Math.max(0, seconds) * scale) / scale;
  const h = Math.floor(total / 3600), m = Math.floor(total / 60) % 60;
  const s = (total % 60).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, '0');
  return h ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}
function lengthText(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : timeText(seconds);
}
function numberText(n) {
  return n.toLocaleString('en');
}
function counted(n, one, many) {
  return `${numberText(n)} ${n === 1 ? one : many}`;
}

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === 'style') node.style.cssText = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
function swatch(label) {
  return el('span', { class: 'swatch', style: `background:${colourOf(label)}` });
}
function labelled(label) {
  return el('span', {}, swatch(label), label);
}

/** Labels with their amounts, in the order of the colours. */
function inOrder(amounts) {
  const rank = (label) => (label in COLOURS ? Object.keys(COLOURS).indexOf(label) : -1);
  return Object.entries(amounts).sort(([a], [b]) => rank(a) - rank(b));
}

const sumOf = (amounts) => Object.values(amounts).reduce((all, amount) => all + amount, 0);

/** A bar in which each label has the width of its time, or of its number of faces; `textOf` tells such an amount. */
function shares(amounts, textOf, size = '') {
  const entries = inOrder(amounts).filter(([, amount]) => amount > 0);
  const percentOf = (amount) => (100 * amount) / sumOf(amounts);
  const parts = entries.map(([label, amount]) => el('span', {
    style: `width:${percentOf(amount)}%;background:${colourOf(label)}`,
    title: `${label}: ${textOf(amount)} (${Math.round(percentOf(amount))} %)`,
  }));
  const text = entries.map(([label, amount]) => `${label} ${Math.round(percentOf(amount))} %`).join(', ');
  return el('div', { class: `shares ${size}`, role: 'img', 'aria-label': text || 'nothing' }, parts);
}

/** What is not as it should be, under a title. */
function problems(title, items) {
  return el('section', { class: 'card problem' }, el('h2', {}, title), el('ul', {}, items.map((item) => el('li', {}, item))));
}

const footer = () => el('footer', {},
  `Made by fmpn-annotate ${data.version}. An expression is what a face shows, not what a person feels. Charts: uPlot (MIT).`);
