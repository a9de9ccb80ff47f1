import { guard } from './guard';

type Callable = (this: unknown, ...args: never[]) => unknown;

/**
 * Calls before with the arguments of each call of owner's function of that name, and what it is called on,
 * and what before returns with the result, for one in its place. Else the function stays as the page knows it.
 */
export function wrap<Name extends string>(
  owner: Record<Name, Callable>,
  name: Name,
  // biome-ignore lint/suspicious/noExplicitAny: each function has arguments of its own.
  before: (args: any[], self: any) => unknown,
): void {
  const see = guard(before);
  // The page may have frozen the owner.
  guard(() => {
    owner[name] = new Proxy(owner[name], {
      apply(native, self, args) {
        const after = see(args, self) as ((result: unknown) => unknown) | undefined;
        const result = native.apply(self, args as never[]);
        return after ? after(result) : result;
      },
    });
  })();
}
