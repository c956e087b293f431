# Holds the read end of a pipe whose write end only the process that started the server has. End of file means that this
# process has closed the server or is dead, however it died: end what still runs, remove the folder ($1).
dir=$1
data=$dir/data
pidfile=$data/postmaster.pid
cat >/dev/null

commandline() {
	{ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || ps -o command= -p "$1"
}

# Only a process whose command line names this very folder: the number in the file may be another process's by now.
if [ -e "$pidfile" ] && read -r pid <"$pidfile"; then
	case $(commandline "$pid") in
	*"$data"*)
		kill -CONT "$pid"
		kill -QUIT "$pid"
		tries=0
		while [ -e "$pidfile" ] && kill -0 "$pid" && [ "$tries" -lt 100 ]; do
			sleep 0.1
			tries=$((tries + 1))
		done
		kill -KILL "$pid"
		;;
	esac
fi

# The file outlives a postmaster that was killed with -9; so may its backends and a segment of shared memory.
if [ -e "$pidfile" ]; then
	if [ -d /proc/self ]; then
		pids=$(cd /proc && echo [0-9]*)
	else
		pids=$(ps -A -o pid=)
	fi
	for pid in $pids; do
		case $(commandline "$pid") in
		"postgres: ${dir##*/}: "*) kill -KILL "$pid" ;;
		esac
	done
	# shellcheck disable=SC2046 # the two numbers of the line: key and id
	set -- $(sed -n 7p "$pidfile")
	[ -n "$2" ] && ipcrm -m "$2"
fi

# A process on its way out may still create a file.
tries=0
while rm -rf "$dir"; [ -e "$dir" ] && [ "$tries" -lt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
