#!/bin/sh
# Writes the functions that tell SQL what C declares: declared.sh CELLS.def OUTCOMES.def >out.sql
set -eu

echo '-- Declared in gateway/recorder/cells.def and gateway/journal/outcomes.def, for C and SQL alike.'
awk '
function quoted(s) { gsub(/\047/, "\047\047", s); return "\047" s "\047" }
/^CELL_SUM\(/ {
	name = $0; sub(/^CELL_SUM\(/, "", name); sub(/,.*/, "", name)
	how = $0; sub(/^[^"]*"/, "", how); sub(/"\)$/, "", how)
	sums = sums (n_sums++ ? ",\n" : "") "\t(" n_sums ", " quoted(name) ",\n\t\t" quoted(how) ")"
}
/^CELL_WID(TH|E)\(/ {
	split($0, part, /[(,) ]+/)
	names[++n] = part[2]; widths[n] = part[3]
}
END {
	print "CREATE OR REPLACE FUNCTION public.usage_cell_sums()"
	print "RETURNS TABLE (place integer, name text, how text)"
	print "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$"
	print "VALUES\n" sums "\n$$;\n"
	print "-- Each width in seconds, the table that it is made of, and the next width."
	print "CREATE OR REPLACE FUNCTION public.usage_widths()"
	print "RETURNS TABLE (name text, width integer, finer text, coarser integer)"
	print "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$"
	print "VALUES"
	for (i = 1; i <= n; i++)
		print "\t(" quoted(names[i]) "::text, " widths[i] ", " \
			(i == 1 ? "NULL" : quoted(names[i - 1])) "::text, " \
			(i == n ? "NULL" : widths[i + 1]) "::integer)" (i == n ? "" : ",")
	print "$$;"
}' "$1"
awk -F'[(,) ]+' '
/^OUTCOME\(/ {
	word = $2; gsub(/"/, "", word)
	rows = rows (n++ ? ",\n" : "") "\t(\047" word "\047::text, \047" tolower($3) "\047::text)"
}
END {
	print "\n-- How an exchange can end, and whose fault that is."
	print "CREATE OR REPLACE FUNCTION public.usage_outcomes()"
	print "RETURNS TABLE (outcome text, fault text)"
	print "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$"
	print "VALUES\n" rows "\n$$;"
}' "$2"
