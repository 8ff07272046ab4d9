// Which call of a route called `accept`. As `accept` does not know the request, calls are counted, for the whole program.

let routeCalls = 0;
let pendingRoutes = 0;
let accepts = 0;

/** Counts a call of `accept`; returns how many times routes have been called until now. */
export function countAccept(): number {
  accepts += 1;
  return routeCalls;
}

/** One call of a route. Create it right before the call, and `returned` right after. */
export class RouteCall {
  /** The number of this call: a call of `accept` that knows a lower one was made before. */
  readonly number: number = ++routeCalls;
  /** Whether the route has called `accept`; `false` in doubt. */
  hasAccepted = false;
  readonly #acceptsBefore = accepts;
  #isPending = false;
  #wasOnly = false;

  /** The route has returned: a result, or a promise of one. */
  returned(isPending: boolean): void {
    this.hasAccepted = accepts > this.#acceptsBefore;
    if (!isPending) return;
    this.#isPending = true;
    this.#wasOnly = pendingRoutes === 0;
    pendingRoutes += 1;
  }

  /** The promise has settled, or is no longer awaited. If another route was called meanwhile, a call of `accept` may have been that one's. */
  settled(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    pendingRoutes -= 1;
    if (this.#wasOnly && routeCalls === this.number) this.hasAccepted = accepts > this.#acceptsBefore;
  }
}
