/** Whether nobody sees the page. */
export const isHidden = () => document.visibilityState === 'hidden';
