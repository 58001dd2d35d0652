// Under a search result stands an excerpt. It is cut from the page, which is fetched for
// it; browsers refuse that for files, so that there the results have none.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
