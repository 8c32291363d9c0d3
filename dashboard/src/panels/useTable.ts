import { useState } from 'react';

// Whether a panel shows its rows instead of its chart.
export function useTable(): { asTable: boolean; toggle: () => void } {
  const [asTable, setTable] = useState(false);
  return { asTable, toggle: () => setTable(!asTable) };
}
