package leak

import (
	"runtime/pprof"
	"sync"
)

// ProfileName is the runtime/pprof profile of the loans that are out.
const ProfileName = "sqlpool.inuse"

// profileSkip leaves out Profile.Add's caller and the pool's call of the hook.
const profileSkip = 2

// inUse returns the process's one profile: NewProfile panics on a second one
// of the same name.
var inUse = sync.OnceValue(func() *pprof.Profile {
	if p := pprof.Lookup(ProfileName); p != nil {
		return p
	}
	return pprof.NewProfile(ProfileName)
})
