import { checkFunction } from "../traits/arguments.ts";
import { type OptionNames, optionNames } from "../traits/option-names.ts";
import type { Publish } from "./publishing.ts";
import type { Request } from "./request.ts";

/** What a hook gets while the app is connected. */
export interface HookContext<State = unknown, On extends string = never> {
  /** What `onStart` returned. */
  readonly state: State;
  readonly publish: Publish<On>;
  readonly request: Request<On>;
}

/** What an app does when it starts and ends, in this order. */
export interface AppHooks<State = unknown, On extends string = never> {
  /**
   * Runs before anything is connected. It returns the state, which every handler, middleware and later hook gets.
   * `signal` aborts when the start is canceled.
   */
  readonly onStart?: (start: { readonly signal: AbortSignal }) => State | Promise<State>;
  /** Runs when everything is connected and subscribed, and handlers run. If it throws, the start is undone. */
  readonly onReady?: (context: HookContext<State, On>) => void | Promise<void>;
  /**
   * Runs when the app is about to end and still takes messages. It stops pulling when this returns, or at the
   * deadline.
   */
  readonly onDrain?: (context: HookContext<State, On>) => void | Promise<void>;
  /**
   * Runs when everything is closed, to release what `onStart` made. It also runs when a start is undone after
   * `onStart`.
   */
  readonly onStop?: (stop: { readonly state: State }) => void | Promise<void>;
}

/** As the library keeps them. */
export type Hooks = AppHooks<unknown, string>;

export const hookNames: OptionNames = optionNames<AppHooks>()({
  onStart: true,
  onReady: true,
  onDrain: true,
  onStop: true,
});

export function checkHooks(hooks: Hooks): Hooks {
  const { onStart, onReady, onDrain, onStop } = hooks;
  for (const [name, hook] of Object.entries({ onStart, onReady, onDrain, onStop })) {
    if (hook !== undefined) checkFunction(`createApp(options): ${name}`, hook);
  }
  return hooks;
}
