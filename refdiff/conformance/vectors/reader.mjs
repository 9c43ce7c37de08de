// Reads refdiff's test vectors: check({posterior_variance: ({alpha_bar_t, alpha_bar_s}) => ...})
// returns what fails: [{id, units, named}], or [] where every function agrees.
import { readFileSync, readdirSync } from "node:fs";

const folder = new URL("./data/", import.meta.url);
const number = (value) => ({ inf: Infinity, "-inf": -Infinity })[value] ?? Number(value);
const numbers = (tree) => (Array.isArray(tree) ? tree.map(numbers) : number(tree));
export const names = () => readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
export const load = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
export const inputs = (vector) => Object.fromEntries(
  Object.entries(vector.inputs).map(([name, value]) => [name, numbers(value.decimal ?? value)]));

function worst(got, want, budget) {
  if (Array.isArray(want) !== Array.isArray(got)) return Infinity;
  if (Array.isArray(want) && got.length !== want.length) return Infinity;
  if (Array.isArray(want)) return Math.max(0, ...got.map((x, i) => worst(x, want[i], budget[i])));
  const error = got === number(want) ? 0 : Math.abs(got - number(want)) / budget;
  return error >= 0 ? error : Infinity; // NaN
}

// The largest error of a result, in budgets; Infinity for another shape or for NaN.
export function units(vector, found, dtype = "float64") {
  if (vector.entries && found?.length !== vector.length) return Infinity;
  const given = vector.entries ? vector.entries.map((i) => found[i]) : found;
  return worst(given, vector.expected, vector.budget[dtype]);
}

export const check = (functions, dtype = "float64") => Object.entries(functions).flatMap(([name, f]) => {
  const { limit, vectors } = load(name);
  const seen = vectors.filter((vector) => vector.budget[dtype] !== undefined)
    .map((vector) => ({ vector, units: units(vector, f(inputs(vector)), dtype) }));
  const [finite, beyond] = [(miss) => Math.min(number(miss), 1e300), (v) => v.beyond?.[dtype] ?? []];
  const alike = (a, b) => Math.abs(a - b) <= Math.max(a, b) / 100 + 2 * limit;
  const fits = (n) => seen.every((s) => alike(finite(s.units), finite(s.vector.separates[n] ?? 0)));
  const strained = (n) => seen.every((s) => s.units <= limit || beyond(s.vector).includes(n));
  const known = new Set(vectors.flatMap((v) => [...Object.keys(v.separates), ...beyond(v)]));
  const named = [...known].filter((n) => fits(n) || strained(n));
  return seen.filter((s) => !(s.units <= limit)).map((s) => ({ id: s.vector.id, units: s.units, named }));
});
