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
   * Before anything is connected. What it returns is the state: every handler, middleware and later hook gets it. `signal`
   * aborts when the start is taken back.
   */
  readonly onStart?: (start: { readonly signal: AbortSignal }) => State | Promise<State>;
  /** Everything is connected and subscribed, and handlers run. When it throws, the start is undone. */
  readonly onReady?: (context: HookContext<State, On>) => void | Promise<void>;
  /** The app is about to end, and still handles what comes. Intake stops when this returns, or at the deadline. */
  readonly onDrain?: (context: HookContext<State, On>) => void | Promise<void>;
  /** Everything is closed: releases what `onStart` made. Called too when a start that came past `onStart` is undone. */
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
