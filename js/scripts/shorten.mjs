// Minifies a bundle, and gives variables and properties short names: what has one name in
// the sources gets one letter wherever that is free, for text that repeats is what
// compresses well. names.json says which letter; search.mjs looks for better ones.
import { minify } from 'terser';

/** Frequent letters first, then pairs. */
const LETTERS = [...'etnroiaulcsfdhmvpgbwkyxzjqETNROIAULCSFDHMVPGBWKYXZJQ$_'];
const WORDS = new Set(['as', 'do', 'if', 'in', 'is', 'of', 'to']);
export const SHORT_NAMES = [
  ...LETTERS,
  ...LETTERS.flatMap((first) => LETTERS.map((second) => first + second)).filter((pair) => !WORDS.has(pair)),
];

/** Where a name belongs: a variable, a property, or both with a colon between in an object. */
const PLACE = /((?<=[{,])P\d+_:V\d+_(?=[,}]|=[^=>])|[VP]\d+_)/;

/**
 * Minifies code but for the names. Properties of keptNames stay as they are, like those that terser knows of browsers.
 * Returns its variables, most used first, each with the indexes of those that must have other names and the names that are
 * taken; the names of its properties; and a function that puts in short names, in the same orders.
 */
export async function prepare(code, keptNames) {
  const cache = {};
  const { ast } = await minify(code, {
    ecma: 2020,
    toplevel: true,
    compress: {
      passes: 4,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      // What is called once is not put into its caller, where browsers would parse it twice as they start.
      reduce_funcs: false,
      hoist_funs: true,
      sequences: false,
    },
    mangle: {
      // Variables wait.
      reserved: code.match(/[\w$]+/g),
      properties: { keep_quoted: 'strict', reserved: keptNames, nth_identifier: { get: (n) => `P${n}_` } },
    },
    nameCache: cache,
    format: { ast: true, code: false },
  });
  const definitions = definitionsOf(ast);
  const variables = [...definitions.keys()].sort((a, b) => b.references.length - a.references.length);
  const places = new Map(variables.map((definition, i) => [definition, i]));
  for (const [definition, i] of places) {
    definition.mangled_name = `V${i}_`;
  }
  const parts = ast.print_to_string({ ecma: 2020 }).split(PLACE);
  return {
    variables: variables.map((definition) => {
      const others = [...definitions.get(definition)];
      return {
        // esbuild counts those that have the same name.
        name: definition.name.replace(/\d+$/, ''),
        rivals: others.map((other) => places.get(other)).filter((i) => i !== undefined),
        taken: others.filter((other) => !places.has(other)).map(({ name }) => name),
      };
    }),
    properties: propertiesOf(cache),
    text: (ofVariables, ofProperties) => fill(parts, ofVariables, ofProperties),
  };
}

/** Returns the names of properties in the order of their places: the cache has P7_ for $name. */
function propertiesOf({ props }) {
  const names = [];
  for (const [key, place] of Object.entries(props.props)) {
    names[place.slice(1, -1)] = key.slice(1);
  }
  return names;
}

/** Returns the variables of a program, each with all that is seen where it is. */
function definitionsOf(ast) {
  ast.figure_out_scope({});
  const definitions = new Map();
  ast.walk({
    push() {},
    pop() {},
    _visit(node, descend) {
      const scope = node.variables ? node : node.block_scope;
      const seen = scope ? [...new Set([...scope.enclosed, ...scope.variables.values()])] : [];
      for (const one of seen.filter(({ undeclared, name }) => !undeclared && name !== 'arguments')) {
        const others = definitions.get(one) ?? new Set();
        definitions.set(one, others);
        for (const other of seen) {
          other !== one && others.add(other);
        }
      }
      descend?.call(node);
    },
  });
  return definitions;
}

function fill(parts, ofVariables, ofProperties) {
  const nameOf = (place) => (place[0] === 'V' ? ofVariables : ofProperties)[place.slice(1, -1)];
  return parts
    .map((part, i) => {
      const [key, value] = i % 2 ? part.split(':').map(nameOf) : [part];
      return value === undefined || value === key ? key : `${key}:${value}`;
    })
    .join('');
}

/** Chooses the short names of what prepare returns by those that are known of variables and properties. */
export function choose({ variables, properties }, known) {
  const ofVariables = [];
  const free = ({ rivals, taken }, name) =>
    name && !taken.includes(name) && rivals.every((rival) => ofVariables[rival] !== name);
  variables.forEach((variable, i) => {
    const name = known.variables[variable.name];
    ofVariables[i] = free(variable, name) ? name : undefined;
  });
  variables.forEach((variable, i) => {
    ofVariables[i] ??= SHORT_NAMES.find((name) => free(variable, name));
  });
  const used = new Set(properties.map((property) => known.properties[property]));
  const left = SHORT_NAMES.filter((name) => !used.has(name));
  const ofProperties = properties.map((property) => known.properties[property] ?? left.shift());
  return [ofVariables, ofProperties];
}
