/** Triangles on a stage, replaced as a whole when their number changes; costs nothing while there are none. */
import type * as Ngl from 'ngl';
import type { NglModule } from './ngl_buffers';

/** Triangles with the colours of their corners. */
export interface IMesh {
  position: Float32Array;
  normal: Float32Array;
  color: Float32Array;
  index: Uint32Array;
}

/** One mesh on a stage, or none. */
export class ReplacedMesh {
  /**
   * @param ngl - The library.
   * @param stage - Where it is drawn.
   * @param name - Of the shape.
   * @param look - Parameters of its representation.
   */
  constructor(
    private readonly ngl: NglModule,
    private readonly stage: Ngl.Stage,
    private readonly name: string,
    private readonly look: Readonly<Record<string, unknown>> = {}
  ) {}

  /** Draw this from now on; nothing for null. */
  draw(mesh: IMesh | null): void {
    if (mesh && mesh.index.length === this.corners && mesh.position.length === this.numbers) {
      this.buffer?.setAttributes({ ...mesh }); // a crystal that morphs
      return;
    }
    const old = this.component;
    this.component = this.buffer = null;
    [this.corners, this.numbers] = [mesh?.index.length ?? 0, mesh?.position.length ?? 0];
    if (mesh) {
      const shape = new this.ngl.Shape(this.name);
      this.buffer = new this.ngl.MeshBuffer(mesh as never);
      shape.addBuffer(this.buffer as never);
      this.component = this.stage.addComponentFromObject(shape) as Ngl.Component;
      this.component.addRepresentation('buffer', this.look);
    }
    // only now, which keeps the shaders of both compiled
    if (old) {
      this.stage.removeComponent(old);
    }
  }

  private component: Ngl.Component | null = null;
  private buffer: Ngl.MeshBuffer | null = null;
  private corners = 0;
  private numbers = 0;
}
