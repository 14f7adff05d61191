/** URL of the package's root when a bundle is run from elsewhere (scripts, tests); undefined in what is published. */
declare const PACKAGE_ROOT: string | undefined;

/** Version of the package, put in by the build of the command line. */
declare const VERSION: string;
