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

// The largest error of a result, in budgets; Infinity for another shape or for NaN.
export function units(vector, found, dtype = "float64") {
  if (vector.entries && found?.length !== vector.length) return Infinity;
  const given = vector.entries ? vector.entries.map((i) => found[i]) : found;
  const worst = (got, want, budget) => {
    if (Array.isArray(want) !== Array.isArray(got)) return Infinity;
    if (!Array.isArray(want)) {
      const error = got === number(want) ? 0 : Math.abs(got - number(want)) / budget;
      return error >= 0 ? error : Infinity;
    }
    if (got.length !== want.length) return Infinity;
    return Math.max(0, ...got.map((value, i) => worst(value, want[i], budget[i])));
  };
  return worst(given, vector.expected, vector.budget[dtype]);
}

export function check(functions, dtype = "float64") {
  return Object.entries(functions).flatMap(([name, f]) => {
    const { limit, vectors } = load(name);
    const seen = vectors.filter((v) => v.budget[dtype] !== undefined)
      .map((vector) => ({ vector, units: units(vector, f(inputs(vector)), dtype) }));
    const like = (a, b) => a === b || Math.abs(a - b) <= Math.max(a, b) / 10 + 2 * limit;
    const fits = (v) => seen.every((s) => like(s.units, number(s.vector.separates[v] ?? 0)));
    const named = [...new Set(vectors.flatMap((v) => Object.keys(v.separates)))].filter(fits);
    return seen.filter((s) => !(s.units <= limit)).map((s) => ({ id: s.vector.id, units: s.units, named }));
  });
}
