// Reporting errors that have no caller: reporting cannot fail, as nothing would catch it.

/** Where a reported error comes from. */
export interface ErrorContext {
  /** Such as `'post'`: what threw, or rejected. */
  readonly source: 'post' | 'onGap' | 'onChange' | 'decode' | 'broker';
  /** The topic, if the error belongs to one. */
  readonly topic?: string | undefined;
}

/** Receives each error once. What it returns is ignored; what it throws is written to the console. */
export type ErrorReporter = (error: unknown, context: ErrorContext) => unknown;

/** A reporter that calls `onError`, or by default writes to the console, and never throws or rejects. */
export function safeReporter(onError: ErrorReporter = write): (error: unknown, context: ErrorContext) => void {
  return (error, context) => {
    const failed = (failure: unknown) => {
      write(error, context);
      write(failure, context);
    };
    try {
      Promise.resolve(onError(error, context)).catch(failed);
    } catch (failure) {
      failed(failure);
    }
  };
}

function write(error: unknown, { source, topic }: ErrorContext): void {
  const where = topic === undefined ? source : `${source} (topic ${JSON.stringify(topic)})`;
  try {
    console.error(`WebSock: ${where} failed:`, error);
  } catch {
    // Inspecting a thrown value runs its own code, which may throw as well.
    console.error(`WebSock: ${where} failed with a value that cannot be shown`);
  }
}
