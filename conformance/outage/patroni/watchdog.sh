# Holds the read end of a pipe whose write end only the process that started the cluster has. End of file means that this
# process has closed the cluster or is dead: end what still runs, remove the folder ($1). The folder's name is in the command
# line of each of the processes: as that of a file, or as PostgreSQL's cluster_name.
dir=$1
name=${dir##*/}
cat >/dev/null

# One kill may come before a process that its victim has just started.
tries=0
while [ "$tries" -lt 50 ]; do
	pids=
	for file in $(grep -las -e "$name" /proc/[0-9]*/cmdline); do
		pid=${file#/proc/}
		pid=${pid%/cmdline}
		[ "$pid" = $$ ] || pids="$pids $pid"
	done
	# shellcheck disable=SC2086
	kill -KILL $pids 2>/dev/null || break # none is left but the grep, which has ended
	sleep 0.1
	tries=$((tries + 1))
done

# A killed postmaster leaves a segment of shared memory: the second number of the seventh line.
for pidfile in "$dir"/*/data/postmaster.pid; do
	if [ -e "$pidfile" ]; then
		# shellcheck disable=SC2046
		set -- $(sed -n 7p "$pidfile")
		if [ -n "${2:-}" ]; then ipcrm -m "$2"; fi
	fi
done

tries=0
while rm -rf "$dir"; [ -e "$dir" ] && [ "$tries" -lt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
