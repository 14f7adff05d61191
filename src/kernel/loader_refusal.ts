/** Thrown inside linking where libbpf gives up; linkPrograms turns it into a verdict of stage `loader`. */
export class LoaderRefusal extends Error {
  /**
   * @param errno - positive
   * @param message - libbpf's first line
   */
  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}
