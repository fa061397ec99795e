import type { Paged } from '../api/use-paged.ts';

/** Previous and next page of a list of `usePaged`. Nothing while one page holds everything. */
export function Pager({
  paged,
}: {
  readonly paged: Pick<Paged<unknown>, 'pageNumber' | 'hasNext' | 'isLoading' | 'next' | 'previous'>;
}) {
  const { pageNumber, hasNext, isLoading, next, previous } = paged;
  if (pageNumber === 1 && !hasNext) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" class="button" disabled={pageNumber === 1 || isLoading} onClick={previous}>
        Previous
      </button>
      <span class="muted">Page {pageNumber}</span>
      <button type="button" class="button" disabled={!hasNext || isLoading} onClick={next}>
        Next
      </button>
    </nav>
  );
}
