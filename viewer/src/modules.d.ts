/** Made by plugins/gazetteer.js. */
declare module 'virtual:gazetteer' {
  const lines: string;
  export default lines;
}
