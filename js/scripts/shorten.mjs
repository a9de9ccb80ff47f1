// Minifies a bundle for gzip, which is good at text that repeats, best not far away: what has
// one name in the sources gets one letter wherever that is free, and functions that are alike
// stand side by side. names.json says which letters and which order; names.mjs looks for better ones.
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
 * taken; the names of its properties and of its functions; and a function that puts all together, from short names and numbers
 * of functions.
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
  const print = (node) => node.print_to_string({ ecma: 2020 });
  const body = bodyOf(ast);
  const functions = body.filter((node) => node.TYPE === 'Defun');
  const functionNames = functions.map((node) => node.name.name);
  // They are hoisted, so they may stand in any order.
  body.splice(0, body.length, ...body.filter((node) => node.TYPE !== 'Defun'));
  const [, head, tail] = /^(.*?\{)(.*)$/s.exec(print(ast));
  const parts = [head, ...functions.map(print), tail].map(split);
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
    functions: functionNames,
    text: (ofVariables, ofProperties, order) =>
      [0, ...order.map((i) => i + 1), parts.length - 1].map((i) => fill(parts[i], ofVariables, ofProperties)).join(''),
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

/** Returns the statements of the function that all of a bundle is in. */
function bodyOf(ast) {
  let outermost;
  ast.walk({
    push() {},
    pop() {},
    _visit(node, descend) {
      outermost ??= node.TYPE === 'Arrow' ? node : undefined;
      descend?.call(node);
    },
  });
  return outermost.body;
}

/** Splits printed code where names belong: text and places in turns, a place being the numbers of a property and a variable. */
function split(code) {
  return code.split(PLACE).map((part, i) => {
    const numberOf = (kind) => new RegExp(`${kind}(\\d+)`).exec(part)?.[1];
    return i % 2 ? [numberOf('P'), numberOf('V')] : part;
  });
}

function fill(parts, ofVariables, ofProperties) {
  let code = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      code += part;
    } else {
      const property = ofProperties[part[0]];
      const variable = ofVariables[part[1]];
      code += property && variable && property !== variable ? `${property}:${variable}` : (property ?? variable);
    }
  }
  return code;
}

/** Chooses short names, and the order of functions, for what prepare returns, by what is known of such. */
export function choose({ variables, properties, functions }, known) {
  const ofVariables = [];
  for (const [i, { name, rivals, taken }] of variables.entries()) {
    const wanted = known.variables[name];
    if (wanted && !taken.includes(wanted) && !rivals.some((rival) => ofVariables[rival] === wanted)) {
      ofVariables[i] = wanted;
    }
  }
  for (const [i, { rivals, taken }] of variables.entries()) {
    if (!ofVariables[i]) {
      const others = new Set([...taken, ...rivals.map((rival) => ofVariables[rival])]);
      ofVariables[i] = SHORT_NAMES.find((name) => !others.has(name));
    }
  }
  const used = new Set(properties.map((property) => known.properties[property]));
  const left = SHORT_NAMES.filter((name) => !used.has(name));
  const ofProperties = properties.map((property) => known.properties[property] ?? left.shift());
  const places = new Map(known.functions.map((name, i) => [name, i]));
  const placeOf = (i) => places.get(functions[i]) ?? places.size;
  return [ofVariables, ofProperties, [...functions.keys()].sort((a, b) => placeOf(a) - placeOf(b))];
}
