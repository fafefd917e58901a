import { Component } from "react";

/**
 * Shows `instead` where drawing its children failed, until they are `of` something else, and tells
 * the server why. React Router would show the trace.
 */
export class Boundary extends Component {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  componentDidCatch(error) {
    window.onerror?.(error.message, "", 0, 0, error);
  }

  componentDidUpdate(before) {
    if (this.state.failed && before.of !== this.props.of) this.setState({ failed: false });
  }

  render() {
    return this.state.failed ? this.props.instead : this.props.children;
  }
}
