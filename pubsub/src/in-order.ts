/**
 * Makes a function that runs tasks one at a time: what a task adds runs after it. So all subscribers and listeners get everything
 * in one order, even if one of them causes the next.
 */
export function createOrder(): (task: () => void) => void {
  const queue: (() => void)[] = [];
  let isRunning = false;
  return (task) => {
    if (isRunning) {
      queue.push(task);
      return;
    }
    isRunning = true;
    task();
    for (let next = queue.shift(); next; next = queue.shift()) next();
    isRunning = false;
  };
}
