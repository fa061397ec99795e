/** The mark of Wisp and its name. */
export function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" class="logo-ground" />
        <path d="M7 12c3 0 3 8 6 8s3-8 6-8 3 8 6 8" class="logo-line" />
      </svg>
      Wisp
    </span>
  );
}
