// What the audit's words are called in the reader's language; those that nobody knows stay as they are.
import { useTeams } from '@/panels/people/TeamPicker.tsx';
import { useText } from '@/ui/reader.tsx';
import { partsOf } from './filters.ts';

const known = (names: Readonly<Record<string, string>>, name: string): string => names[name] ?? name;

export interface Names { thing: (target: string) => string; action: (action: string) => string; team: (id: number) => string }

export function useNames(): Names {
  const { audit: words } = useText().people;
  const teams = useTeams();
  return {
    thing: (target) => known(words.things, target),
    action: (action) => {
      const [thing, verb] = partsOf(action);
      return words.action(known(words.things, thing), known(words.verbs, verb));
    },
    team: (id) => teams.find((t) => t.id === id)?.name ?? words.removedTeam(String(id)),
  };
}
