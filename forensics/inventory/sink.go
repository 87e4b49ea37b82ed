package inventory

import "context"

// sink hands entries on, and leaves out those that an earlier scan has handed on.
type sink struct {
	ctx      context.Context
	after    string
	progress func(Progress)
	do       func(Entry) error
	done     Progress
}

// skips tells whether the entry was handed on before. It must be asked for each entry, in order.
func (s *sink) skips(cursor string) bool {
	if s.after == "" {
		return false
	}
	if s.after == cursor {
		s.after = ""
	}
	return true
}

func (s *sink) take(e Entry) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if err := s.do(e); err != nil {
		return err
	}
	s.done.Entries++
	if e.SHA256 != "" {
		s.done.Hashed++
		s.done.Bytes += e.Stat.Size
	}
	if s.progress != nil {
		s.done.Cursor = e.Cursor()
		s.progress(s.done)
	}
	return nil
}

// end says that the entry behind which the scan was to go on never came.
func (s *sink) end() error {
	if s.after != "" && s.ctx.Err() == nil {
		return &CursorError{Cursor: s.after}
	}
	return nil
}
